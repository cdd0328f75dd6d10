"""The files of a group of jobs: opening them, counting their rows, finishing them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from racro_eval.common.interrupts import interruptible
from racro_eval.common.system_errors import to_racro_error
from racro_eval.data import Benchmark
from racro_eval.errors import RacroError
from racro_eval.pipeline.jobs import Job
from racro_eval.stages.rows import Digests
from racro_eval.stages.stage_file import StageFile

UnusableJob = tuple[Job, RacroError]
"""A job whose files cannot be used, and why."""


def job_label(job: Job) -> str:
    """What messages call a job: its model, for a reasoner the MLLM it reads, and its benchmark."""
    mllm = job.outputs()[0].labels.get("mllm") if job.stage == "reason" else None
    over = f" over {mllm}" if mllm else ""
    return f"{job.model.entry.name}{over} on {job.benchmark.name}"


def output_files(jobs: Iterable[Job]) -> dict[Path, StageFile]:
    """The files that the jobs write, by path."""
    return {file.path: file for job in jobs for file in job.outputs()}


def file_paths(files: Iterable[StageFile]) -> set[Path]:
    """The paths of the files."""
    return {file.path for file in files}


def usable_jobs(jobs: Iterable[Job], unusable: Iterable[UnusableJob]) -> list[Job]:
    """The jobs that are not among the unusable ones."""
    excluded = {id(job) for job, _ in unusable}
    return [job for job in jobs if id(job) not in excluded]


def open_files(
    jobs: Sequence[Job], on_wait: Callable[[str], None], stack: ExitStack
) -> list[UnusableJob]:
    """Open and lock the files of all jobs. Returns the jobs that have an unusable file.

    stack: closes the files. on_wait: called with a message if another process holds a file, which
    may take hours.
    """
    errors: dict[Path, RacroError] = {}
    for job in jobs:
        for file in job.reads():
            stack.callback(file.close)
    for path, file in sorted(output_files(jobs).items()):  # all processes lock in this order
        stack.callback(file.close)
        try:
            with interruptible():
                file.open_writer(on_wait)
                file.runs()  # an unreadable sidecar is an error now, not after hours of work
        except (RacroError, OSError) as error:
            errors[path] = to_racro_error(error, path)
    return [
        (job, next(errors[path] for path in file_paths(job.outputs()) if path in errors))
        for job in jobs
        if not errors.keys().isdisjoint(file_paths(job.outputs()))
    ]


def count_rows(jobs: Sequence[Job]) -> int | None:
    """Count the wanted and the cached rows of each file, in its tally.

    Returns the largest number of images in a prompt that will be sent; None if none will be.
    """
    digests = Digests()
    max_images: int | None = None
    for job in jobs:
        for row in job.rows(digests):
            row.file.want(row.index, row.draw)
            if row.cached:
                row.file.tally.cached += 1
            elif not row.error:
                max_images = max(max_images or 0, len(row.prompt.images))
    return max_images


def finish_files(
    files: Iterable[tuple[StageFile, Benchmark]], seconds: float, versions: Mapping[str, str]
) -> None:
    """Put the rows in order and record this run in the sidecars, even if it was interrupted.

    seconds: duration of the run. versions: of the engine. If a file cannot be finished, the others
    still are; the first error is raised at the end.
    """
    facts = {"wall_s": round(seconds, 3), "versions": dict(versions)}
    errors: list[Exception] = []
    for file, benchmark in files:
        try:
            file.finish(benchmark.indices, facts)
        except (RacroError, OSError) as error:
            errors.append(error)
    if errors:
        raise errors[0]
