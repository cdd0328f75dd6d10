"""The rows that a stage wants, which of them are cached, and asking an engine for the others.

Rows are planned as a stream, and planned again when they are sent, so that memory holds no list of
them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

from racro_eval.data.images import Image, digest
from racro_eval.engines.base import Completion, Engine, Message, Request, Sampling
from racro_eval.errors import DataError
from racro_eval.stages.stage_file import StageFile
from racro_eval.store.provenance import now
from racro_eval.store.row_index import LOGPROBS_COLUMN


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent for a row."""

    messages: tuple[Message, ...]
    images: tuple[Image, ...]

    def sha256(self, image_digests: Iterable[str]) -> str:
        """Hash of messages and image bytes: a cached row counts only if its hash is this one."""
        turns = [[message.role, message.content] for message in self.messages]
        content = json.dumps([turns, list(image_digests)], ensure_ascii=False)
        return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row that a stage wants in its file.

    draw: the number of this answer among those to the same sample, from 0. prompt: what to send.
    error: why there is no prompt; the row is then written as a failed one. parents: further
    columns, the hashes of the texts that the prompt quotes.
    """

    file: StageFile
    index: str
    draw: int
    prompt: Prompt
    prompt_sha256: str
    sampling: Sampling
    error: str = ""
    parents: Mapping[str, str] = field(default_factory=dict)

    @property
    def cached(self) -> bool:
        """Whether the file holds the answer to exactly this prompt, with all that was asked for."""
        state = self.file.state(self.index, self.draw)
        return (
            state is not None
            and not state.failed
            and not self.error
            and state.prompt_sha256 == self.prompt_sha256
            and (state.logprobs or not self.sampling.logprobs)
        )


class Digests:
    """SHA-256 of images, each read once: prompts with the same images are consecutive."""

    def __init__(self) -> None:
        self._known: dict[Image, str] = {}
        """Those of the last prompt that had images."""

    def of(self, images: Sequence[Image]) -> list[str]:
        """The hashes of the images. Raises DataError if an image cannot be read."""
        if images:
            known = self._known
            self._known = {image: known.get(image) or digest(image) for image in images}
        return [self._known[image] for image in images]


def row_seed(base: int, index: str, draw: int) -> int:
    """The seed of a row; it makes a resumed run draw the same answers as an uninterrupted one."""
    name = f"{base}\0{index}\0{draw}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:4], "big") >> 1


def seeded(sampling: Sampling, base: int, index: str, draw: int) -> Sampling:
    """The sampling of one row: with a seed of its own if anything is drawn at random."""
    if sampling.temperature == 0:
        return sampling
    return replace(sampling, seed=row_seed(base, index, draw))


def plan_row(
    file: StageFile,
    index: str,
    draw: int,
    build: Callable[[], Prompt],
    sampling: Sampling,
    digests: Digests,
    parents: Mapping[str, str] | None = None,
) -> PlannedRow:
    """Plan a row. build: returns its prompt; if it raises DataError, the row has failed."""
    prompt, sha256, error = Prompt((), ()), "", ""
    try:
        prompt = build()
        sha256 = prompt.sha256(digests.of(prompt.images))
    except DataError as problem:
        error = str(problem)
    return PlannedRow(file, index, draw, prompt, sha256, sampling, error, parents or {})


def complete(
    engine: Engine, rows: Iterable[PlannedRow]
) -> Iterator[tuple[PlannedRow, dict[str, str]]]:
    """Ask the engine for the rows; yields each with its CSV row as soon as it is finished."""
    in_flight: dict[str, PlannedRow] = {}

    def requests() -> Iterator[Request]:
        for number, row in enumerate(rows):
            in_flight[str(number)] = row
            yield Request(str(number), row.prompt.messages, row.prompt.images, row.sampling)

    for completion in engine.stream(requests()):
        row = in_flight.pop(completion.id)
        yield row, cache_row(row, completion)


def cache_row(row: PlannedRow, completion: Completion) -> dict[str, str]:
    """The CSV row of a completion, with a further column for log-probabilities if there are any."""
    text = completion.texts[0] if completion.texts else ""
    failed = completion.error is not None
    more = dict(row.parents)
    if completion.token_logprobs:
        more[LOGPROBS_COLUMN] = _numbers(completion.token_logprobs[0])
    return {
        "index": row.index,
        "sample": str(row.draw),
        "prediction": text,
        "finish_reason": completion.finish_reasons[0] if completion.finish_reasons else "",
        "prompt_tokens": "" if failed else str(completion.usage.prompt_tokens),
        "completion_tokens": "" if failed else str(completion.usage.completion_tokens),
        "latency_s": f"{completion.latency_s:.3f}",
        "seed": "" if row.sampling.seed is None else str(row.sampling.seed),
        "prompt_sha256": row.prompt_sha256,
        "error": completion.error or "",
        "created_at": now(),
        **more,
    }


def _numbers(values: Iterable[float]) -> str:
    """A JSON list; null stands for infinity and NaN, which JSON does not have."""
    return json.dumps([value if isfinite(value) else None for value in values])


def failed_row(row: PlannedRow) -> dict[str, str]:
    """The CSV row of a row that has no prompt."""
    return cache_row(row, Completion("", error=row.error))
