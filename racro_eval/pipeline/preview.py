"""What a run would do: rows, cached rows, and roughly how many prompt tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from racro_eval.data.images import Image, decode
from racro_eval.errors import DataError, RacroError
from racro_eval.pipeline.group_files import job_label
from racro_eval.pipeline.jobs import Job, Plan
from racro_eval.pipeline.report import Failure
from racro_eval.stages.rows import Digests, PlannedRow
from racro_eval.stages.stage_file import StageFile

_CHARACTERS_PER_TOKEN = 4
_PIXELS_PER_TOKEN = 28 * 28
"""Qwen2.5-VL: one token per 28 x 28 pixels."""
_TOKENS_PER_IMAGE = (4, 16384)
"""The smallest and the largest number."""


@dataclass(slots=True)
class FilePreview:
    """One file of a run.

    prompt_tokens: of the rows that are not cached; None if the texts they read do not exist yet.
    """

    stage: str
    model: str
    benchmark: str
    path: Path
    rows: int = 0
    cached: int = 0
    prompt_tokens: int | None = 0


def preview(plan: Plan) -> Iterator[FilePreview | Failure]:
    """The files of a run, in the order in which they would be written. Changes nothing.

    A job whose files cannot be read is a Failure, as in the run.
    """
    digests = Digests()
    for job in plan.jobs:
        try:
            yield from _file_previews(job, digests)
        except RacroError as error:
            yield Failure("part", job_label(job), error)


def _file_previews(job: Job, digests: Digests) -> list[FilePreview]:
    previews: dict[Path, FilePreview] = {}
    for file in job.outputs():
        file.open_table()
        previews[file.path] = _empty_preview(job, file)
    for row in job.rows(digests):
        file_preview = previews[row.file.path]
        file_preview.rows += 1
        if row.cached:
            file_preview.cached += 1
        elif row.error and job.reads():
            file_preview.prompt_tokens = None
        elif file_preview.prompt_tokens is not None and not row.error:
            file_preview.prompt_tokens += _prompt_tokens(row)
    for file in (*job.outputs(), *job.reads()):
        file.close()
    return list(previews.values())


def _empty_preview(job: Job, file: StageFile) -> FilePreview:
    return FilePreview(job.stage, job.model.entry.name, job.benchmark.name, file.path)


def _prompt_tokens(row: PlannedRow) -> int:
    text = sum(len(message.content) for message in row.prompt.messages)
    return text // _CHARACTERS_PER_TOKEN + sum(map(_image_tokens, row.prompt.images))


def _image_tokens(image: Image) -> int:
    try:
        pixels = decode(image)
    except DataError:
        return 0
    smallest, largest = _TOKENS_PER_IMAGE
    return min(max(pixels.width * pixels.height // _PIXELS_PER_TOKEN, smallest), largest)
