"""What a run would do: rows, cached rows, and roughly how many tokens are to be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from racro_eval.data.images import Image, decode
from racro_eval.errors import DataError, RacroError
from racro_eval.pipeline.group_files import called
from racro_eval.pipeline.planning import Job, Plan
from racro_eval.pipeline.report import Failure
from racro_eval.stages.rows import Digests, PlannedRow
from racro_eval.stages.stage_file import StageFile

_CHARACTERS_PER_TOKEN = 4
_PIXELS_PER_TOKEN = 28 * 28
"""Qwen2.5-VL: one token per 28 x 28 pixels."""
_TOKENS_PER_IMAGE = (4, 16384)


@dataclass(slots=True)
class Line:
    """One file. prompt_tokens: of the rows to do; None while the texts it reads do not exist."""

    stage: str
    model: str
    benchmark: str
    path: Path
    rows: int = 0
    cached: int = 0
    prompt_tokens: int | None = 0


def preview(plan: Plan) -> Iterator[Line | Failure]:
    """The files of a run, in the order in which they would be written. Changes nothing.

    A job whose files cannot be read is a failure, as it will be in the run.
    """
    digests = Digests()
    for job in plan.jobs:
        try:
            yield from _lines(job, digests)
        except RacroError as error:
            yield Failure("part", called(job), error)


def _lines(job: Job, digests: Digests) -> list[Line]:
    lines: dict[Path, Line] = {}
    for file in job.outputs():
        file.open_table()
        lines[file.path] = _line(job, file)
    for row in job.rows(digests):
        line = lines[row.file.path]
        line.rows += 1
        if row.cached:
            line.cached += 1
        elif row.error and job.reads():
            line.prompt_tokens = None
        elif line.prompt_tokens is not None and not row.error:
            line.prompt_tokens += _prompt_tokens(row)
    for file in (*job.outputs(), *job.reads()):
        file.close()
    return list(lines.values())


def _line(job: Job, file: StageFile) -> Line:
    return Line(job.stage, job.model.entry.name, job.benchmark.name, file.path)


def _prompt_tokens(row: PlannedRow) -> int:
    text = sum(len(message.content) for message in row.prompt.messages)
    return text // _CHARACTERS_PER_TOKEN + sum(map(_image_tokens, row.prompt.images))


def _image_tokens(image: Image) -> int:
    try:
        pixels = decode(image)
    except DataError:
        return 0
    low, high = _TOKENS_PER_IMAGE
    return min(max(pixels.width * pixels.height // _PIXELS_PER_TOKEN, low), high)
