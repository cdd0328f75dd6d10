"""What a stage wants to be answered, which rows are there already, and asking for the others.

Rows are planned as a stream, and once more when they are sent, so that no row is kept meanwhile.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from racro_eval.data.images import Image, digest
from racro_eval.engines.base import Completion, Engine, Message, Request, Sampling
from racro_eval.errors import DataError
from racro_eval.stages.stage_file import StageFile
from racro_eval.store.provenance import now
from racro_eval.store.row_index import LOGPROBS_COLUMN


@dataclass(frozen=True, slots=True)
class Prompt:
    """What will be sent for a row."""

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

    prompt: what to send. error: why there is none; the row is written as a failed one.
    parents: further columns, the hashes of the rows read.
    """

    file: StageFile
    index: str
    sample: int
    prompt: Prompt
    prompt_sha256: str
    sampling: Sampling
    error: str = ""
    parents: Mapping[str, str] = field(default_factory=dict)

    @property
    def cached(self) -> bool:
        """Whether the file already holds the answer to exactly this prompt, with what was asked."""
        state = self.file.state(self.index, self.sample)
        return (
            state is not None
            and not state.failed
            and not self.error
            and state.prompt_sha256 == self.prompt_sha256
            and (state.logprobs or not self.sampling.logprobs)
        )


class Digests:
    """SHA-256 of images. Prompts that show the same images follow each other: one reading does."""

    def __init__(self) -> None:
        self._known: dict[Image, str] = {}
        """Of the last prompt that had images."""

    def of(self, images: Sequence[Image]) -> list[str]:
        """The images' hashes. Raises DataError if one cannot be read."""
        if images:
            known = self._known
            self._known = {image: known.get(image) or digest(image) for image in images}
        return [self._known[image] for image in images]


def row_seed(base: int, index: str, sample: int) -> int:
    """The seed of a row, so that a resumed run draws what an uninterrupted one would have drawn."""
    name = f"{base}\0{index}\0{sample}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:4], "big") >> 1


def plan_row(
    file: StageFile,
    index: str,
    sample: int,
    build: Callable[[], Prompt],
    sampling: Sampling,
    digests: Digests,
    parents: Mapping[str, str] | None = None,
) -> PlannedRow:
    """Plan a row. build: makes its prompt; if it raises DataError, the row cannot be asked for."""
    prompt, sha256, error = Prompt((), ()), "", ""
    try:
        prompt = build()
        sha256 = prompt.sha256(digests.of(prompt.images))
    except DataError as problem:
        error = str(problem)
    return PlannedRow(file, index, sample, prompt, sha256, sampling, error, parents or {})


def complete(
    engine: Engine, rows: Iterable[PlannedRow]
) -> Iterator[tuple[PlannedRow, dict[str, str]]]:
    """Ask the engine for the rows; give each with its cache row as soon as it is finished."""
    in_flight: dict[str, PlannedRow] = {}

    def requests() -> Iterator[Request]:
        for number, row in enumerate(rows):
            in_flight[str(number)] = row
            yield Request(str(number), row.prompt.messages, row.prompt.images, row.sampling)

    for completion in engine.stream(requests()):
        row = in_flight.pop(completion.id)
        yield row, cache_row(row, completion)


def cache_row(row: PlannedRow, completion: Completion) -> dict[str, str]:
    """The CSV row of a completion; log-probabilities are a further column, if there are some."""
    text = completion.texts[0] if completion.texts else ""
    failed = completion.error is not None
    more = dict(row.parents)
    if completion.token_logprobs:
        more[LOGPROBS_COLUMN] = _numbers(completion.token_logprobs[0])
    return {
        "index": row.index,
        "sample": str(row.sample),
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
    """A JSON list; what is no finite number, which JSON has not, is null."""
    return json.dumps([value if isfinite(value) else None for value in values])


def failed_row(row: PlannedRow) -> dict[str, str]:
    """The CSV row of a row that could not be asked for."""
    return cache_row(row, Completion("", error=row.error))
