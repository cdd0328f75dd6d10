"""What a metric is, and what it returns: the headline and the numbers it is computed from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from racro_eval.data.spec import BenchmarkSpec


@dataclass(slots=True)
class Part:
    """The number of correct rows and of rows, in a part of the benchmark."""

    correct: int = 0
    rows: int = 0

    def add(self, correct: bool) -> None:
        """Count one row."""
        self.rows += 1
        self.correct += correct

    @property
    def percent(self) -> float | None:
        """Percent of the rows that are correct; None without rows."""
        return 100 * self.correct / self.rows if self.rows else None


@dataclass(slots=True)
class Score:
    """A benchmark's score of one file of graded rows.

    metric: the headline's name, e.g. accuracy.
    value: the headline in percent; None without rows, or if `refusal` states why there is none.
    whole: the rows that the headline counts. samples: how many of the benchmark's `expected`
    samples have a row. statuses: rows by status. breakdowns: column → value → part.
    units: the values between 0 and 1 whose mean is the headline: of samples for accuracy, of
    problems for We-Math, of seeds for DynaMath. Intervals and paired tests resample these.
    further: the benchmark's other metrics by name, in percent; None if undefined.
    """

    metric: str
    value: float | None
    whole: Part
    samples: int
    expected: int
    statuses: Counter[str] = field(default_factory=Counter)
    breakdowns: dict[str, dict[str, Part]] = field(default_factory=dict)
    units: dict[str, float] = field(default_factory=dict)
    further: dict[str, float | None] = field(default_factory=dict)
    refusal: str = ""

    @property
    def partial(self) -> bool:
        """Whether samples are missing; a partial score is not a result of the benchmark."""
        return self.samples < self.expected

    def share(self, status: str) -> float:
        """Percent of rows with that status."""
        return 100 * self.statuses[status] / self.whole.rows if self.whole.rows else 0.0


@dataclass(frozen=True, slots=True)
class Metric:
    """A function from a benchmark's graded rows to its score, and the meta columns it needs.

    A row has the columns `index`, `sample`, `status` and `correct`, the breakdowns and `needs`.
    """

    function: Callable[[Iterable[Mapping[str, str]], BenchmarkSpec], Score]
    needs: tuple[str, ...] = ()
