"""The files of a group of jobs: opened together, counted, put in order together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from racro_eval.common.interrupts import interruptible
from racro_eval.common.system_errors import to_racro_error
from racro_eval.data import Benchmark
from racro_eval.errors import RacroError
from racro_eval.pipeline.planning import Job
from racro_eval.stages.rows import Digests
from racro_eval.stages.stage_file import StageFile

Unfit = tuple[Job, RacroError]
"""A job that cannot be done, and why."""


def called(job: Job) -> str:
    """What messages call a job: whose work on which benchmark."""
    mllm = job.outputs()[0].labels.get("mllm") if job.stage == "reason" else None
    over = f" over {mllm}" if mllm else ""
    return f"{job.model.entry.name}{over} on {job.benchmark.name}"


def outputs(jobs: Iterable[Job]) -> dict[Path, StageFile]:
    """The files that the jobs write, by path."""
    return {file.path: file for job in jobs for file in job.outputs()}


def paths(files: Iterable[StageFile]) -> set[Path]:
    """Where the files are."""
    return {file.path for file in files}


def open_files(
    jobs: Sequence[Job], on_wait: Callable[[str], None], stack: ExitStack
) -> list[Unfit]:
    """Open and lock the files of all jobs; gives the jobs that have one which cannot be used.

    stack: closes the files. on_wait: told if another process holds a file, which may take hours.
    """
    refused: dict[Path, RacroError] = {}
    for job in jobs:
        for file in job.reads():
            stack.callback(file.close)
    for path, file in sorted(outputs(jobs).items()):  # one lock order for all processes
        stack.callback(file.close)
        try:
            with interruptible():
                file.open_writer(on_wait)
                file.runs()  # a sidecar that cannot be read is said before hours of work
        except (RacroError, OSError) as error:
            refused[path] = to_racro_error(error, path)
    return [
        (job, next(refused[path] for path in paths(job.outputs()) if path in refused))
        for job in jobs
        if not refused.keys().isdisjoint(paths(job.outputs()))
    ]


def count_rows(jobs: Sequence[Job]) -> int | None:
    """Count the rows wanted and cached in each file; gives the most images of a prompt to be sent.

    None if no prompt is to be sent.
    """
    digests = Digests()
    most: int | None = None
    for job in jobs:
        for row in job.rows(digests):
            row.file.want(row.index, row.sample)
            if row.cached:
                row.file.tally.cached += 1
            elif not row.error:
                most = max(most or 0, len(row.prompt.images))
    return most


def finish_files(
    orders: Iterable[tuple[StageFile, Benchmark]], seconds: float, versions: Mapping[str, str]
) -> None:
    """Put the files in order and tell their sidecars of this run, even if it was cut short.

    A file that cannot be finished keeps no other one from it; the first error is raised at the end.
    """
    facts = {"wall_s": round(seconds, 3), "versions": dict(versions)}
    errors: list[Exception] = []
    for file, benchmark in orders:
        try:
            file.finish(benchmark.indices, facts)
        except (RacroError, OSError) as error:
            errors.append(error)
    if errors:
        raise errors[0]
