"""Rows that are scored together: the parts of a We-Math problem, the variants of a DynaMath seed.

With several answers per row, the answers of one sample number are one run of the benchmark; a group
has an outcome in each run, and a metric is the mean over groups and runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from racro_eval.data.spec import BenchmarkSpec


@dataclass(slots=True)
class Groups:
    """Collects verdicts by group, run and part, from the columns of these names.

    runs: (group, run) → part → correct. rows: (group, part) → the label columns of that row.
    """

    group: str
    part: str
    labels: tuple[str, ...] = ()
    runs: dict[tuple[str, str], dict[str, bool]] = field(default_factory=dict)
    rows: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def watch(
        self, rows: Iterable[Mapping[str, str]], spec: BenchmarkSpec
    ) -> Iterator[Mapping[str, str]]:
        """Pass rows on, and note those that the headline counts."""
        for row in rows:
            if spec.counts(row):
                group, part = row[self.group], row[self.part]
                run = self.runs.setdefault((group, row["sample"]), {})
                run[part] = row["correct"] == "1"
                self.rows[group, part] = tuple(row[name] for name in self.labels)
            yield row

    @property
    def names(self) -> list[str]:
        """The groups, in the order of the rows."""
        return list(dict.fromkeys(group for group, _ in self.runs))

    def missing(self, expected: Callable[[Iterable[str]], set[str]]) -> dict[str, set[str]]:
        """Group → the parts that it lacks in some run; complete groups are left out.

        expected: from the parts that a group has in any run to those that it must have in each.
        """
        numbers = {run for _, run in self.runs}
        lacking: dict[str, set[str]] = {}
        present: dict[str, set[str]] = {}
        for group, part in self.rows:
            present.setdefault(group, set()).add(part)
        for group in self.names:
            wanted = expected(present[group])
            runs = [self.runs.get((group, number), {}) for number in numbers]
            absent = {part for part in wanted if any(part not in run for run in runs)}
            if absent:
                lacking[group] = absent
        return lacking


def refusal(headline: str, noun: str, groups: int, lacking: Mapping[str, set[str]]) -> str:
    """Why there is no headline: how many groups lack which parts; "" if none does."""
    if not lacking:
        return ""
    counts = Counter(part for parts in lacking.values() for part in parts)
    parts = ", ".join(f"{part} in {count}" for part, count in sorted(counts.items()))
    return (
        f"No {headline}: {len(lacking)} of {groups} {noun}s lack rows ({parts}; "
        f"{noun} {next(iter(lacking))!r}, say). It needs whole {noun}s."
    )


def mean(values: Iterable[float]) -> float | None:
    """The mean in percent; None without values."""
    kept = list(values)
    return 100 * sum(kept) / len(kept) if kept else None
