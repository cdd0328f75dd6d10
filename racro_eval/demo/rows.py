"""The demo's problems as a benchmark's rows (see `data/sources.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from racro_eval.demo.problems import picture_bytes, problem


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """A problem's picture, drawn when it is read."""

    seed: int
    number: int

    @property
    def name(self) -> str:
        """The name of the image in messages."""
        return f"demo, seed {self.seed}, picture {self.number}"

    def read(self) -> bytes:
        """The picture as a PNG."""
        return picture_bytes(problem(self.seed, self.number))


def rows(seed: int, count: int) -> Iterator[tuple[Mapping[str, Any], DrawnImage]]:
    """The first `count` problems of a seed: index, question, options (list), answer and skill."""
    for number in range(count):
        item = problem(seed, number)
        row = {
            "index": str(number),
            "question": item.question,
            "options": list(item.options.values()),
            "answer": item.answer,
            "skill": item.skill,
        }
        yield row, DrawnImage(seed, number)
