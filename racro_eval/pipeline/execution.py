"""Planning a run, executing it, resuming it.

    plan:     RunConfig → jobs (one model on one benchmark), grouped by model
    perceive: each MLLM is loaded once for all benchmarks, captions and tentative answers together
    reason:   each reasoner is loaded once for all benchmarks, MLLMs and variants
    grade:    the files of a model as soon as they are finished, so that a run that is killed has
              scores for all earlier models
    judge:    if requested, at the end: one more model decides the rows that the rules left open

If one model fails, only its own work and the work that reads its texts is lost; the others go on.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from racro_eval.common.interrupts import handling
from racro_eval.common.offline import offline_if_configured
from racro_eval.common.system_errors import to_racro_error
from racro_eval.data import Benchmark
from racro_eval.models.model import Model
from racro_eval.pipeline.config import RunConfig
from racro_eval.pipeline.display import Display
from racro_eval.pipeline.group_files import file_paths, job_label, output_files, usable_jobs
from racro_eval.pipeline.group_runner import run_group
from racro_eval.pipeline.jobs import Job, Plan
from racro_eval.pipeline.planning import make_plan
from racro_eval.pipeline.report import Failure, Kind, RunReport
from racro_eval.scoring.profiles import Profile
from racro_eval.stages.earlier import earlier_rows
from racro_eval.stages.grade import grade_file
from racro_eval.stages.judge import JudgeJob, judged_file
from racro_eval.stages.stage_file import StageFile
from racro_eval.store.sidecar import read_sidecar

__all__ = ["RunReport", "run"]


@offline_if_configured
def run(config: RunConfig, display: Display | None = None) -> RunReport:
    """Run what the config asks for, reusing every row that already exists.

    A problem with the whole request raises UsageError, DataError or MissingError before any model
    is loaded. If a model or benchmark fails, it is in the report's `failures`, and the others go
    on; all finished rows are on disk. Ctrl-C raises KeyboardInterrupt after the files are closed.

    >>> from racro_eval import RunConfig, run
    >>> report = run(RunConfig(data=["Demo_MINI"], mllm=["echo:m"], reasoner=["echo:r"], limit=4))
    >>> [path.name.partition("-")[0] for path in report.graded]
    ['tentative', 'qcap+sol']
    """
    display = display or Display()
    with handling(signal.SIGINT), display.warnings():
        return _Run(config, display, make_plan(config)).execute()


@dataclass(frozen=True, slots=True)
class _GradedFile:
    """A stage's file of answers, and its graded file at `path`."""

    answers: Path
    path: Path
    benchmark: Benchmark


@dataclass
class _Run:
    """A run in progress.

    incomplete: files that are missing or not complete, because their model failed. graded: the
    files of answers that have verdicts.
    """

    config: RunConfig
    display: Display
    plan: Plan
    report: RunReport = field(default_factory=RunReport)
    incomplete: set[Path] = field(default_factory=set)
    graded: list[_GradedFile] = field(default_factory=list)

    def execute(self) -> RunReport:
        """Run all groups and return the report."""
        report, plan = self.report, self.plan
        names = {job.model.entry.name for job in plan.jobs}
        names |= {plan.judge.entry.name} if plan.judge else set()
        unplanned = [failure for failure in plan.failures if failure.kind == "model"]
        report.models = len(names) + len(unplanned)
        report.benchmarks = len(self.config.data)
        report.left_out += plan.left_out
        for failure in plan.failures:
            self._add_failure(failure)
        self._report_earlier_rows(plan.jobs)
        for group in plan.groups:
            self._run_and_grade(group)
        if plan.judge and self.graded:
            self._run_judge(plan.judge)
        if self.config.shard is not None:
            self.display.log(
                f"Shard {self.config.shard} is done. When all are, `racro-eval merge` joins them, "
                "and the same command without --shard grades the whole."
            )
        for line in report.closing():
            self.display.log(line)
        return report

    def _run_and_grade(self, group: Sequence[Job]) -> None:
        """All work of one model: its rows and their verdicts."""
        jobs: list[Job] = []
        unusable_paths: set[Path] = set()
        for job in group:
            if self.incomplete.isdisjoint(file_paths(job.reads())):
                jobs.append(job)
            else:
                self._mark_incomplete(job)
                self.report.left_out.append(job_label(job))
        if jobs:
            name = jobs[0].model.entry.name
            try:
                for job, error in run_group(jobs, self.display, self.config.load_timeout):
                    self._fail("part", job_label(job), error)
                    self._mark_incomplete(job)
                    unusable_paths |= file_paths(job.outputs())
            except (Exception, SystemExit) as error:
                self._fail("model", name, error, self.config.results)
                for job in jobs:
                    self._mark_incomplete(job)
        for file in output_files(group).values():
            if os.path.exists(file.path):
                self.report.count(file.tally)
        if self.config.shard is None:
            self._grade(group, unusable_paths)

    def _report_earlier_rows(self, jobs: Iterable[Job]) -> None:
        for line in earlier_rows((job.model, file) for job in jobs for file in job.outputs()):
            self.display.log(line)

    def _mark_incomplete(self, job: Job) -> None:
        self.incomplete |= file_paths(job.outputs())

    def _fail(
        self, kind: Kind, name: str, error: BaseException, default_path: Path | None = None
    ) -> None:
        converted = to_racro_error(error, default_path)
        if converted is not error:
            converted.__cause__ = error  # shown by --debug
        self._add_failure(Failure(kind, name, converted))

    def _add_failure(self, failure: Failure) -> None:
        self.report.failures.append(failure)
        self.display.log(str(failure))

    def _grade(self, group: Iterable[Job], unusable_paths: set[Path]) -> None:
        """Grade every usable file of a group that has rows.

        If a file cannot be graded, the others still are.
        """
        files = {file.path: (file, job) for job in group for file in job.graded()}
        for path, (file, job) in files.items():
            if path in unusable_paths:
                continue
            try:
                graded = _grade(file, job.benchmark, self.config.scoring, self.display.log)
            except Exception as error:
                self._fail("part", str(path), error)
                continue
            if graded:
                self.report.graded.append(graded.path)
                self.graded.append(graded)

    def _run_judge(self, judge: Model) -> None:
        """Ask the judge about the rows that the rules left open; its verdicts get their own files.

        It runs last, so that it is loaded once, and only if there are such rows.
        """
        try:
            jobs = [JudgeJob.of_file(judge, file.benchmark, file.path) for file in self.graded]
            self._report_earlier_rows(jobs)
            unusable = run_group(jobs, self.display, self.config.load_timeout)
            for unusable_job, error in unusable:
                self._fail("part", job_label(unusable_job), error)
            for job, file in zip(jobs, self.graded, strict=True):
                if usable_jobs([job], unusable):
                    self.report.count(job.file.tally)
                    self.report.graded.append(
                        judged_file(job, file.answers, self.config.scoring, self.display.log)
                    )
        except (Exception, SystemExit) as error:
            self._fail("model", judge.entry.name, error, self.config.results)


def _grade(
    file: StageFile, benchmark: Benchmark, profile: Profile, on_wait: Callable[[str], None]
) -> _GradedFile | None:
    """Grade a file; None if it has no rows."""
    if not os.path.exists(file.path):
        return None
    try:
        table = file.open_table()
        if not len(table):
            return None
        path = grade_file(table, benchmark, read_sidecar(file.path), profile, on_wait)
        return _GradedFile(file.path, path, benchmark)
    finally:
        file.close()  # the reasoners will read it
