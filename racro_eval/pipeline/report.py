"""What a run did, and what of it could not be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from racro_eval.errors import RacroError
from racro_eval.stages.stage_file import Tally

Kind = Literal["model", "benchmark", "part"]
"""A part is one model on one benchmark, or one file."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be done, and why. The rest of the run went on."""

    kind: Kind
    name: str
    error: RacroError

    def __str__(self) -> str:
        return f"{self.name}: {self.error}"


@dataclass
class RunReport:
    """What a run did.

    graded: the graded files of its cells. failures: models, benchmarks and parts that could not be
    done. left_out: what was not asked because it reads their texts. failed: rows of the selection
    that have no answer. first_error: why the first one has none. models, benchmarks: how many the
    run was asked for.
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
        """Why something could not be done; empty if all was."""
        return [failure.error for failure in self.failures]

    def count(self, tally: Tally) -> None:
        """Add what happened to one file."""
        self.new += tally.new
        self.cached += tally.cached
        self.failed += tally.failed
        self.first_error = self.first_error or tally.first_error

    def exit_code(self, max_failures: int) -> int:
        """0 done; 1 too many failed rows; else the highest of the errors' codes."""
        if self.errors:
            return max(error.exit_code for error in self.errors)
        return 1 if self.failed > max_failures else 0

    def closing(self) -> Iterator[str]:
        """The last words of a run: what failed, one line for each kind."""
        totals = {"model": self.models, "benchmark": self.benchmarks}
        for kind, total in totals.items():
            if found := [failure for failure in self.failures if failure.kind == kind]:
                yield f"{len(found)} of {total} {kind}s failed: {_joined(found)}"
        if found := [failure for failure in self.failures if failure.kind == "part"]:
            yield f"{len(found)} {'part' if len(found) == 1 else 'parts'} failed: {_joined(found)}"
        yield from self._left_out()
        if self.failed:
            yield (
                f"{self.failed} rows failed and will be tried again by the same command. "
                f"The first, {self.first_error}"
            )

    def notes(self) -> list[str]:
        """What a table of this run lacks, and why."""
        return [*(f"Missing: {failure}" for failure in self.failures), *self._left_out()]

    def _left_out(self) -> Iterator[str]:
        if self.left_out:
            yield f"Missing, for want of the texts that it reads: {', '.join(self.left_out)}."


def _joined(failures: list[Failure]) -> str:
    return " ".join(map(str, failures))
