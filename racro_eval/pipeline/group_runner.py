"""Running all jobs of one model with a single load of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace

from racro_eval.common.interrupts import deferred, interruptible, preserved_handlers
from racro_eval.engines.base import Engine
from racro_eval.engines.loading import Loading
from racro_eval.engines.registry import create_engine
from racro_eval.errors import RacroError
from racro_eval.models.model import Model
from racro_eval.pipeline.display import Display, StageProgress
from racro_eval.pipeline.group_files import (
    UnusableJob,
    count_rows,
    finish_files,
    open_files,
    usable_jobs,
)
from racro_eval.pipeline.jobs import Job
from racro_eval.pipeline.locating import check_as_planned
from racro_eval.stages.rows import Digests, PlannedRow, complete, failed_row

_NOT_READABLE = "Its input could not be read when the run began; run it again."


def run_group(
    jobs: Sequence[Job], display: Display, load_timeout: float | None = None
) -> list[UnusableJob]:
    """Run all jobs of one model. The model is loaded once, or not at all if every row is cached.

    Returns the jobs whose files cannot be used; the others are done. Raises the error that ends all
    of them. load_timeout: seconds that loading may take. Ctrl-C takes effect while rows are
    counted, the model loads and rows are generated, but not while files are written.
    """
    with deferred(), ExitStack() as stack:
        unusable = open_files(jobs, display.log, stack)
        jobs = usable_jobs(jobs, unusable)
        if not jobs:
            raise unusable[0][1]
        benchmarks = {file.path: (file, job.benchmark) for job in jobs for file in job.outputs()}
        files = [file for file, _ in benchmarks.values()]
        with interruptible():
            max_images = count_rows(jobs)
        total = sum(file.tally.total for file in files)
        cached = sum(file.tally.cached for file in files)
        title = f"{jobs[0].stage} {jobs[0].model.entry.name}"
        versions: dict[str, str] = {}
        with display.stage(title, total, cached, [file.path for file in files]) as progress:
            try:
                if cached < total:
                    for file in files:
                        file.begin()
                    _write_rows(jobs, max_images, progress, versions, load_timeout)
            except BaseException:
                with suppress(RacroError, OSError):  # the first error is the one to report
                    finish_files(benchmarks.values(), progress.seconds, versions)
                raise
            finish_files(benchmarks.values(), progress.seconds, versions)
        return unusable


def _write_rows(
    jobs: Sequence[Job],
    max_images: int | None,
    progress: StageProgress,
    versions: dict[str, str],
    load_timeout: float | None,
) -> None:
    """Load the model and write each row as it finishes; adds the engine's versions to `versions`.

    max_images: None if no prompt can be sent, so that no model is needed.
    """

    def write(row: PlannedRow, record: dict[str, str]) -> None:
        with deferred():
            row.file.append(record)
        progress.advance(record)

    rows = _rows_to_send(jobs, write)
    if max_images is None:
        with interruptible():
            for row in rows:
                # It was not readable before, so no model was loaded for it; now it is.
                write(row, failed_row(replace(row, error=_NOT_READABLE)))
        return
    engine = _load(jobs[0].model, max_images, progress, load_timeout)
    try:
        versions.update(engine.info.versions)
        check_as_planned(jobs[0].model, engine)
        progress.restart()
        with interruptible(), progress.waiting():
            for row, record in complete(engine, rows):
                write(row, record)
    finally:
        engine.close()


def _load(
    model: Model, max_images: int, progress: StageProgress, load_timeout: float | None
) -> Engine:
    """Load a model within `load_timeout` seconds, and report regularly that it is still loading."""
    loading = Loading(model.entry.name, load_timeout)
    engine: Engine | None = None
    try:
        with preserved_handlers(), interruptible(), progress.loading(loading), loading.limited():
            engine = create_engine(model.entry, model.engine, max_images=max_images)
    except BaseException:
        if engine is not None:  # Ctrl-C at the very end of loading
            engine.close()
        raise
    return engine


def _rows_to_send(
    jobs: Sequence[Job], write: Callable[[PlannedRow, dict[str, str]], None]
) -> Iterator[PlannedRow]:
    """The rows that are not cached. Rows that have no prompt are written as failed on the way."""
    digests = Digests()
    for job in jobs:
        for row in job.rows(digests):
            if row.cached:
                continue
            if row.error:
                write(row, failed_row(row))
            else:
                yield row
