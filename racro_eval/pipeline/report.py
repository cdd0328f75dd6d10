"""What a run did, and what it could not do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from racro_eval.errors import RacroError
from racro_eval.stages.stage_file import Tally

if TYPE_CHECKING:
    from racro_eval.leaderboard.collect import Cell

Kind = Literal["model", "benchmark", "part"]
"""A part is one model on one benchmark, or one file."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be done, and why; the rest of the run went on."""

    kind: Kind
    name: str
    error: RacroError

    def __str__(self) -> str:
        return f"{self.name}: {self.error}"


@dataclass
class RunReport:
    """What a run did.

    graded: the graded files of its cells, which `scores` reads. failures: models, benchmarks and
    parts that failed. left_out: what was not asked because it reads texts of what failed. failed,
    new, cached: rows without an answer, with a new one, with one from an earlier run. first_error:
    why the first failed row has no answer. models, benchmarks: how many the run was asked for.

    >>> from racro_eval import RunConfig, run
    >>> report = run(RunConfig(data=["Demo_MINI"], mllm=["echo:m"], reasoner=["echo:r"], limit=4))
    >>> [(cell.reasoner, cell.variant, cell.score.samples) for cell in report.scores]
    [(None, 'qa', 4), ('r', 'qcap+sol', 4)]
    >>> report.new, report.failed, report.failures
    (12, 0, [])
    """

    graded: list[Path] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    failed: int = 0
    new: int = 0
    cached: int = 0
    first_error: str = ""
    models: int = 0
    benchmarks: int = 0

    @property
    def errors(self) -> list[RacroError]:
        """Why something failed; empty if nothing did."""
        return [failure.error for failure in self.failures]

    @cached_property
    def scores(self) -> list[Cell]:
        """The score of each graded file; read when this is first asked for, and then kept.

        Raises CacheError if a file was changed since, as the leaderboard does.
        """
        from racro_eval.leaderboard.collect import collect

        return collect(self.graded)

    def count(self, tally: Tally) -> None:
        """Add what happened to one file."""
        self.new += tally.new
        self.cached += tally.cached
        self.failed += tally.failed
        self.first_error = self.first_error or tally.first_error

    def exit_code(self, max_failures: int) -> int:
        """0 done; 1 if more rows failed than `max_failures`; with errors, the highest of theirs."""
        if self.errors:
            return max(error.exit_code for error in self.errors)
        return 1 if self.failed > max_failures else 0

    def closing(self) -> Iterator[str]:
        """The last lines that a run shows: what failed, a line for each kind."""
        totals = {"model": self.models, "benchmark": self.benchmarks}
        for kind, total in totals.items():
            if failed := [failure for failure in self.failures if failure.kind == kind]:
                yield f"{len(failed)} of {total} {kind}s failed: {_joined(failed)}"
        if failed := [failure for failure in self.failures if failure.kind == "part"]:
            parts = "part" if len(failed) == 1 else "parts"
            yield f"{len(failed)} {parts} failed: {_joined(failed)}"
        yield from self._left_out()
        if self.failed:
            yield (
                f"{self.failed} rows failed and will be tried again by the same command. "
                f"The first, {self.first_error}"
            )

    def notes(self) -> list[str]:
        """What is missing in a table of this run, and why."""
        return [*(f"Missing: {failure}" for failure in self.failures), *self._left_out()]

    def _left_out(self) -> Iterator[str]:
        if self.left_out:
            names = ", ".join(self.left_out)
            yield f"Missing, because the texts that it reads are missing: {names}."


def _joined(failures: list[Failure]) -> str:
    return " ".join(map(str, failures))
