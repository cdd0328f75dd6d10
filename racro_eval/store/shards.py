"""One run as several: shard i of N takes every N-th row of the selection, from the i-th on.

The shards of a run may share a results folder: each writes files of its own, and `merge` joins
them. The mapping depends on the benchmark and the selection alone, so a shard that is run again
wants the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

_NOTATION = re.compile(r"([0-9]{1,9})/([0-9]{1,9})", re.ASCII)
_FILE = re.compile(r"(.+-[0-9a-f]{8})\.shard-([0-9]+)-of-([0-9]+)\.csv", re.ASCII)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard `number` (from 1) of `of`."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `i/N`. Raises ValueError with a sentence."""
        match = _NOTATION.fullmatch(text)
        number, of = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1 <= number <= of:
            raise ValueError(f"a shard is i/N with i from 1 to N, as in 1/4, not {text!r}")
        return cls(number, of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def take(self, rows: Sequence[Row]) -> Sequence[Row]:
        """This shard's part of a selection."""
        return rows[self.number - 1 :: self.of]

    def file_name(self, whole: str) -> str:
        """caption-1a2b3c4d.csv → caption-1a2b3c4d.shard-1-of-4.csv"""
        return f"{whole.removesuffix('.csv')}.shard-{self.number}-of-{self.of}.csv"

    @classmethod
    def of_file(cls, path: Path) -> tuple[Self, Path] | None:
        """The shard that a file is, and the path of the whole file; None if it is no shard."""
        match = _FILE.fullmatch(path.name)
        if match is None:
            return None
        return cls(int(match[2]), int(match[3])), path.with_name(f"{match[1]}.csv")
