"""Accuracy: the share of correct rows. With several answers per sample, their mean (mean@n)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from racro_eval.data.spec import BenchmarkSpec


@dataclass(slots=True)
class Part:
    """Correct rows out of rows."""

    correct: int = 0
    rows: int = 0

    @property
    def percent(self) -> float | None:
        """100 times correct by rows; None without rows."""
        return 100 * self.correct / self.rows if self.rows else None


@dataclass(slots=True)
class Score:
    """A benchmark's score of one file of graded rows.

    value: the headline in percent, None without rows. samples: how many of the benchmark's
    `expected` samples have a row. statuses: rows by status. breakdowns: column → value → part.
    """

    value: float | None
    whole: Part
    samples: int
    expected: int
    statuses: Counter[str] = field(default_factory=Counter)
    breakdowns: dict[str, dict[str, Part]] = field(default_factory=dict)

    @property
    def partial(self) -> bool:
        """Whether samples are missing; a partial score is no result."""
        return self.samples < self.expected

    def share(self, status: str) -> float:
        """Percent of rows with that status."""
        return 100 * self.statuses[status] / self.whole.rows if self.whole.rows else 0.0


def accuracy(rows: Iterable[Mapping[str, str]], spec: BenchmarkSpec) -> Score:
    """Score graded rows (columns `index`, `status`, `correct` and the breakdowns)."""
    whole = Part()
    statuses: Counter[str] = Counter()
    breakdowns: dict[str, dict[str, Part]] = {name: {} for name in spec.breakdowns}
    seen: set[str] = set()
    for row in rows:
        seen.add(row["index"])
        statuses[row["status"]] += 1
        parts = [groups.setdefault(row[name], Part()) for name, groups in breakdowns.items()]
        for part in (whole, *parts):
            part.rows += 1
            part.correct += row["correct"] == "1"
    return Score(whole.percent, whole, len(seen), spec.rows, statuses, breakdowns)
