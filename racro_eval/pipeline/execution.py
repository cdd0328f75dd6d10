"""Plan the cross product, group the work by model, run it, resume it.

    plan:     RunConfig → jobs (one model, one benchmark), grouped by model
    perceive: each MLLM is loaded once for all benchmarks, captions and tentative answers together
    reason:   each reasoner is loaded once for all benchmarks, MLLMs and variants
    grade:    the files of a model as soon as they are finished, so that a run that is killed has
              scores for all models before
    judge:    if asked for, at the end: one more model decides the rows that the rules left open

Whatever goes wrong with one model ends its own work and what would read it; the others go on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from racro_eval.common import interrupts
from racro_eval.common.interrupts import deferred, interruptible
from racro_eval.common.offline import offline_if_configured
from racro_eval.common.system_errors import to_racro_error
from racro_eval.data import Benchmark
from racro_eval.engines.base import Engine
from racro_eval.engines.loading import Loading
from racro_eval.engines.registry import create_engine
from racro_eval.errors import RacroError
from racro_eval.models.model import Model
from racro_eval.pipeline.config import RunConfig
from racro_eval.pipeline.display import Display, StageProgress
from racro_eval.pipeline.group_files import (
    Unfit,
    called,
    count_rows,
    finish_files,
    open_files,
    outputs,
    paths,
)
from racro_eval.pipeline.locating import check_as_planned
from racro_eval.pipeline.planning import Job, Plan, make_plan
from racro_eval.pipeline.report import Failure, Kind, RunReport
from racro_eval.scoring.profiles import Profile
from racro_eval.stages.earlier import earlier_rows
from racro_eval.stages.grade import grade_file
from racro_eval.stages.judge import JudgeJob, judged_file
from racro_eval.stages.rows import Digests, PlannedRow, complete, failed_row
from racro_eval.stages.stage_file import StageFile
from racro_eval.store.sidecar import read_sidecar

__all__ = ["RunReport", "run", "run_group"]


@offline_if_configured
def run(config: RunConfig, display: Display | None = None) -> RunReport:
    """Run what the config asks for, reusing every row that is there already.

    What is wrong with the whole request raises UsageError, DataError or MissingError before any
    model is loaded. A model or benchmark that fails is in the report's `failures`, and the others
    go on; all finished rows are on disk. Ctrl-C raises KeyboardInterrupt, once all is in order.
    """
    display = display or Display()
    with interrupts.handling(interrupts.TERMINATING_SIGNALS[0]), display.warnings():
        return _Run(config, display, make_plan(config)).all()


_NOT_READABLE = "What it is asked about could not be read when the run began; run it again."


@dataclass(frozen=True, slots=True)
class _Graded:
    """A stage's file of answers that has a graded file."""

    answers: Path
    path: Path
    benchmark: Benchmark


@dataclass
class _Run:
    """A run on its way.

    lost: files that are not made, or not whole, because their model failed. graded: the answers
    that have verdicts.
    """

    config: RunConfig
    display: Display
    plan: Plan
    report: RunReport = field(default_factory=RunReport)
    lost: set[Path] = field(default_factory=set)
    graded: list[_Graded] = field(default_factory=list)

    def all(self) -> RunReport:
        """Do all groups; gives the report."""
        report, plan = self.report, self.plan
        names = {job.model.entry.name for job in plan.jobs}
        names |= {plan.judge.entry.name} if plan.judge else set()
        unplanned = [failure for failure in plan.failures if failure.kind == "model"]
        report.models = len(names) + len(unplanned)
        report.benchmarks = len(self.config.data)
        report.left_out += plan.left_out
        for failure in plan.failures:
            self._note(failure)
        self._say_earlier_rows(plan.jobs)
        for group in plan.groups:
            self._do(group)
        if plan.judge and self.graded:
            self._ask(plan.judge)
        if self.config.shard is not None:
            self.display.log(
                f"Shard {self.config.shard} is done. When all are, `racro-eval merge` joins them, "
                "and the same command without --shard grades the whole."
            )
        for line in report.closing():
            self.display.log(line)
        return report

    def _do(self, group: Sequence[Job]) -> None:
        """All work of one model: its rows and their verdicts."""
        jobs: list[Job] = []
        unfit: set[Path] = set()
        for job in group:
            if self.lost.isdisjoint(paths(job.reads())):
                jobs.append(job)
            else:
                self._lose(job)
                self.report.left_out.append(called(job))
        if jobs:
            name = jobs[0].model.entry.name
            try:
                for job, error in run_group(jobs, self.display, self.config.load_timeout):
                    self._fail("part", called(job), error)
                    self._lose(job)
                    unfit |= paths(job.outputs())
            except (Exception, SystemExit) as error:
                self._fail("model", name, error, self.config.results)
                for job in jobs:
                    self._lose(job)
        for file in outputs(group).values():
            if os.path.exists(file.path):
                self.report.count(file.tally)
        if self.config.shard is None:
            self._grade(group, unfit)

    def _say_earlier_rows(self, jobs: Iterable[Job]) -> None:
        for line in earlier_rows((job.model, file) for job in jobs for file in job.outputs()):
            self.display.log(line)

    def _lose(self, job: Job) -> None:
        self.lost |= paths(job.outputs())

    def _fail(self, kind: Kind, name: str, error: BaseException, where: Path | None = None) -> None:
        problem = to_racro_error(error, where)
        if problem is not error:
            problem.__cause__ = error  # for --debug
        self._note(Failure(kind, name, problem))

    def _note(self, failure: Failure) -> None:
        self.report.failures.append(failure)
        self.display.log(str(failure))

    def _grade(self, group: Iterable[Job], unfit: set[Path]) -> None:
        """Grade every file of a group that has rows, but for those that cannot be used.

        One that cannot be graded stops no other.
        """
        files = {file.path: (file, job) for job in group for file in job.graded()}
        for path, (file, job) in files.items():
            if path in unfit:
                continue
            try:
                graded = _grade(file, job.benchmark, self.config.scoring, self.display.log)
            except Exception as error:
                self._fail("part", str(path), error)
                continue
            if graded:
                self.report.graded.append(graded.path)
                self.graded.append(graded)

    def _ask(self, judge: Model) -> None:
        """Ask the judge about the rows left open; its verdicts stand in files beside the others.

        It comes last, so that it is loaded once, and only if there are such rows.
        """
        graded, profile = self.graded, self.config.scoring
        try:
            jobs = [JudgeJob.of_file(judge, one.benchmark, one.path) for one in graded]
            self._say_earlier_rows(jobs)
            unfit = run_group(jobs, self.display, self.config.load_timeout)
            for other, error in unfit:
                self._fail("part", called(other), error)
            for job, one in zip(jobs, graded, strict=True):
                if _without(unfit, [job]):
                    self.report.count(job.file.tally)
                    self.report.graded.append(
                        judged_file(job, one.answers, profile, self.display.log)
                    )
        except (Exception, SystemExit) as error:
            self._fail("model", judge.entry.name, error, self.config.results)


def _without(unfit: Iterable[Unfit], jobs: Iterable[Job]) -> list[Job]:
    """The other jobs."""
    return [job for job in jobs if all(job is not other for other, _ in unfit)]


def _grade(
    file: StageFile, benchmark: Benchmark, profile: Profile, on_wait: Callable[[str], None]
) -> _Graded | None:
    """Grade a file, if it has rows."""
    if not os.path.exists(file.path):
        return None
    try:
        table = file.open_table()
        if not len(table):
            return None
        to = grade_file(table, benchmark, read_sidecar(file.path), profile, on_wait)
        return _Graded(file.path, to, benchmark)
    finally:
        file.close()  # the reasoners will read it


def run_group(
    jobs: Sequence[Job], display: Display, load_timeout: float | None = None
) -> list[Unfit]:
    """Do all jobs of one model with one load of it, or with none if every row is cached.

    Gives the jobs whose files cannot be used; the others are done. Raises what ends them all.
    load_timeout: seconds that loading may take. Ctrl-C is answered while rows are counted, the
    model is loaded and rows are waited for, but not while files are put in order.
    """
    with deferred(), ExitStack() as stack:
        unfit = open_files(jobs, display.log, stack)
        jobs = _without(unfit, jobs)
        if not jobs:
            raise unfit[0][1]
        orders = {file.path: (file, job.benchmark) for job in jobs for file in job.outputs()}
        files = [file for file, _ in orders.values()]
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
                    _complete(jobs, max_images, progress, versions, load_timeout)
            except BaseException:
                with suppress(RacroError, OSError):  # the first error is the one to tell
                    finish_files(orders.values(), progress.seconds, versions)
                raise
            finish_files(orders.values(), progress.seconds, versions)
        return unfit


def _complete(
    jobs: Sequence[Job],
    max_images: int | None,
    progress: StageProgress,
    versions: dict[str, str],
    load_timeout: float | None,
) -> None:
    """Load the model, write each row as it finishes; notes the engine's versions.

    max_images: None if nothing can be asked for, so that no model is needed.
    """

    def write(row: PlannedRow, record: dict[str, str]) -> None:
        with deferred():
            row.file.append(record)
        progress.advance(record)

    rows = _open_rows(jobs, write)
    if max_images is None:
        with interruptible():
            for row in rows:
                # It can be asked for by now, an image being back, but no model was loaded for it.
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
    """Load a model, saying now and then that it still loads, for so many seconds at most."""
    loading = Loading(model.entry.name, load_timeout)
    engine: Engine | None = None
    try:
        with (
            interrupts.preserved_handlers(),
            interruptible(),
            progress.loading(loading),
            loading.limited(),
        ):
            engine = create_engine(model.entry, model.engine, max_images=max_images)
    except BaseException:
        if engine is not None:  # Ctrl-C at the very end of loading
            engine.close()
        raise
    return engine


def _open_rows(
    jobs: Sequence[Job], write: Callable[[PlannedRow, dict[str, str]], None]
) -> Iterator[PlannedRow]:
    """The rows to be asked for; those that cannot be are written as failed on the way."""
    digests = Digests()
    for job in jobs:
        for row in job.rows(digests):
            if row.cached:
                continue
            if row.error:
                write(row, failed_row(row))
            else:
                yield row
