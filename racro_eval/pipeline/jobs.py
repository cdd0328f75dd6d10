"""What a run consists of: jobs, and the plan that groups them by model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from racro_eval.data import Benchmark
from racro_eval.models.model import Model
from racro_eval.pipeline.report import Failure
from racro_eval.stages.perceive import PerceiveJob
from racro_eval.stages.reason import ReasonJob
from racro_eval.stages.rows import Digests, PlannedRow
from racro_eval.stages.stage_file import StageFile


class Job(Protocol):
    """One model on one benchmark."""

    @property
    def stage(self) -> str: ...

    @property
    def model(self) -> Model: ...

    @property
    def benchmark(self) -> Benchmark: ...

    def outputs(self) -> list[StageFile]:
        """The files that this job writes."""
        ...

    def graded(self) -> list[StageFile]:
        """Those of them that contain answers."""
        ...

    def reads(self) -> list[StageFile]:
        """The files of other jobs that this job reads."""
        ...

    def rows(self, digests: Digests) -> Iterator[PlannedRow]:
        """The rows that this job wants."""
        ...


@dataclass
class Plan:
    """The jobs of a run, grouped by model, in the order in which they run.

    judge: the model that decides the rows that the rules leave open; its jobs exist only after
    grading. failures: models and benchmarks that cannot be run. left_out: labels of the work that
    would read the texts of those models.
    """

    perceive: list[list[PerceiveJob]] = field(default_factory=list)
    reason: list[list[ReasonJob]] = field(default_factory=list)
    judge: Model | None = None
    failures: list[Failure] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def groups(self) -> list[Sequence[Job]]:
        """The groups; the model of a group is loaded once."""
        return [*self.perceive, *self.reason]

    @property
    def jobs(self) -> list[Job]:
        """The jobs of all groups."""
        return [job for group in self.groups for job in group]
