"""Plan the cross product, group the work by model, run it, resume it.

    plan:     RunConfig → jobs (one model, one benchmark), grouped by model
    perceive: each MLLM is loaded once for all benchmarks, captions and tentative answers together
    reason:   each reasoner is loaded once for all benchmarks, MLLMs and variants
    grade:    every file that a run has written or reused
    judge:    if asked for, one more model decides the rows that the rules left open

A model whose engine dies ends its own work and what would read it; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from racro_eval.config import RunConfig
from racro_eval.data import Benchmark
from racro_eval.display import Display, StageProgress
from racro_eval.engines.registry import create_engine
from racro_eval.errors import EngineError, MissingError, RacroError
from racro_eval.locating import check_as_planned
from racro_eval.offline import as_configured
from racro_eval.planning import Job, Plan, make_plan
from racro_eval.scoring.profiles import Profile
from racro_eval.sidecar import read_sidecar
from racro_eval.stages.earlier import earlier_rows
from racro_eval.stages.files import Model, StageFile, Tally
from racro_eval.stages.grade import grade_file
from racro_eval.stages.judge import JudgeJob, judged_file
from racro_eval.stages.plan import Digests, PlannedRow, complete, failed_row


@dataclass
class RunReport:
    """What a run did. graded: the graded files of its cells. errors: models that could not run.

    failed: rows of the selection that have no answer. first_error: why the first one has none.
    """

    graded: list[Path] = field(default_factory=list)
    errors: list[RacroError] = field(default_factory=list)
    failed: int = 0
    new: int = 0
    cached: int = 0
    first_error: str = ""

    def count(self, tally: Tally) -> None:
        """Add what happened to one file."""
        self.new += tally.new
        self.cached += tally.cached
        self.failed += tally.failed
        self.first_error = self.first_error or tally.first_error

    def exit_code(self, max_failures: int) -> int:
        """0 done; 1 too many failed rows; 3 a model could not run."""
        if self.errors:
            return max(error.exit_code for error in self.errors)
        return 1 if self.failed > max_failures else 0


@as_configured
def run(config: RunConfig, display: Display | None = None) -> RunReport:
    """Run what the config asks for, reusing every row that is there already.

    Raises UsageError, DataError or MissingError before any model is loaded. A model that cannot run
    is in the report's `errors`; all finished rows are on disk.
    """
    display = display or Display()
    with display.warnings():
        plan = make_plan(config)
    _say_earlier_rows(plan.jobs, display)
    report = RunReport()
    lost: set[Path] = set()
    for group in plan.groups:
        jobs = [job for job in group if lost.isdisjoint(file.path for file in job.reads())]
        lost |= _outputs(job for job in group if job not in jobs)
        if not jobs:
            continue
        try:
            run_group(jobs, display)
        except (EngineError, MissingError) as error:
            report.errors.append(error)
            display.log(f"{jobs[0].model.entry.name}: {error}")
            lost |= _outputs(jobs)
    _count(plan, report)
    if config.shard is None:
        graded = _grade(plan, report, config.scoring)
        if plan.judge and graded:
            _judge(plan.judge, graded, config.scoring, report, display)
    else:
        display.log(
            f"Shard {config.shard} is done. When all are, `racro-eval merge` joins them, and the "
            "same command without --shard grades the whole."
        )
    if report.failed:
        display.log(
            f"{report.failed} rows failed and will be tried again by the same command. "
            f"The first, {report.first_error}"
        )
    return report


def _say_earlier_rows(jobs: Iterable[Job], display: Display) -> None:
    for line in earlier_rows((job.model, file) for job in jobs for file in job.outputs()):
        display.log(line)


def _outputs(jobs: Iterable[Job]) -> set[Path]:
    return {file.path for job in jobs for file in job.outputs()}


def run_group(jobs: Sequence[Job], display: Display) -> None:
    """Do all jobs of one model with one load of it, or with none if every row is cached."""
    model = jobs[0].model
    orders = {file.path: (file, job.benchmark) for job in jobs for file in job.outputs()}
    files = [file for _, (file, _) in sorted(orders.items())]  # one lock order for all processes
    with ExitStack() as stack:
        for file in files:
            stack.callback(file.close)
            file.open_writer(display.log)
        for job in jobs:
            for file in job.reads():
                stack.callback(file.close)
        max_images = _count_rows(jobs)
        total = sum(file.tally.total for file in files)
        cached = sum(file.tally.cached for file in files)
        title = f"{jobs[0].stage} {model.entry.name}"
        versions: dict[str, str] = {}
        with display.stage(title, total, cached, [file.path for file in files]) as progress:
            try:
                if cached < total:
                    versions = _complete(jobs, files, max_images, progress)
            except (EngineError, MissingError, KeyboardInterrupt):
                _finish(orders.values(), progress, versions)
                raise
            _finish(orders.values(), progress, versions)


def _finish(
    outputs: Iterable[tuple[StageFile, Benchmark]],
    progress: StageProgress,
    versions: Mapping[str, str],
) -> None:
    """Put the files in order and tell their sidecars of this run, even if it was cut short."""
    facts = {"wall_s": round(progress.seconds, 3), "versions": dict(versions)}
    for file, benchmark in outputs:
        file.finish(benchmark.indices, facts)


def _count_rows(jobs: Sequence[Job]) -> int | None:
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


def _complete(
    jobs: Sequence[Job],
    files: Sequence[StageFile],
    max_images: int | None,
    progress: StageProgress,
) -> dict[str, str]:
    """Load the model, write each row as it finishes; gives the engine's versions.

    max_images: None if nothing can be asked for, so that no model is needed.
    """

    def write(row: PlannedRow, record: dict[str, str]) -> None:
        row.file.append(record)
        progress.advance(record)

    for file in files:
        file.begin()
    rows = _open_rows(jobs, write)
    if max_images is None:
        for _ in rows:
            pass  # what can be asked for by now, an image being back, waits for the next run
        return {}
    model = jobs[0].model
    engine = create_engine(model.entry, model.engine, max_images=max_images)
    progress.restart()
    try:
        check_as_planned(model, engine)
        for row, record in complete(engine, rows):
            write(row, record)
        return dict(engine.info.versions)
    finally:
        engine.close()


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


def _count(plan: Plan, report: RunReport) -> None:
    """Sum up what this run did, over the files that it got to."""
    files = {file.path: file for job in plan.jobs for file in job.outputs()}
    for path, file in files.items():
        if path.exists():
            report.count(file.tally)


@dataclass(frozen=True, slots=True)
class _Graded:
    """A stage's file of answers that has a graded file."""

    answers: Path
    path: Path
    benchmark: Benchmark


def _grade(plan: Plan, report: RunReport, profile: Profile) -> list[_Graded]:
    """Grade every file of the plan that has rows."""
    files = {file.path: (file, job) for job in plan.jobs for file in job.graded()}
    graded: list[_Graded] = []
    for path, (file, job) in files.items():
        if path.exists():
            with file.open_table() as table:
                if len(table):
                    to = grade_file(table, job.benchmark, read_sidecar(path), profile)
                    graded.append(_Graded(path, to, job.benchmark))
    report.graded += [one.path for one in graded]
    return graded


def _judge(
    model: Model, graded: Sequence[_Graded], profile: Profile, report: RunReport, display: Display
) -> None:
    """Ask the judge about the rows left open; its verdicts stand in files beside the others."""
    jobs = [JudgeJob.of_file(model, one.benchmark, one.path) for one in graded]
    _say_earlier_rows(jobs, display)
    try:
        run_group(jobs, display)
    except (EngineError, MissingError) as error:
        report.errors.append(error)
        display.log(f"{model.entry.name}: {error}")
        return
    for job, one in zip(jobs, graded, strict=True):
        report.count(job.file.tally)
        report.graded.append(judged_file(job, one.answers, profile))
