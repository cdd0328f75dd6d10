"""Rows that are scored together: the parts of a We-Math problem, the variants of a DynaMath seed.

With several draws per sample, the n-th draws of all samples are one run of the benchmark. A group
has an outcome in each run, and a metric is the mean over groups and runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from racro_eval.data.spec import BenchmarkSpec


@dataclass(slots=True)
class Groups:
    """Collects verdicts by group, run and part.

    group, part, labels: the names of the columns. runs: (group, run) → part → whether it is
    correct.
    rows: (group, part) → the labels of that row.
    """

    group: str
    part: str
    labels: tuple[str, ...] = ()
    runs: dict[tuple[str, str], dict[str, bool]] = field(default_factory=dict)
    rows: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def record(
        self, rows: Iterable[Mapping[str, str]], spec: BenchmarkSpec
    ) -> Iterator[Mapping[str, str]]:
        """Pass rows on, and record those that the headline counts."""
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
        """Group → the parts that are missing in some run, of the groups that are incomplete.

        expected: a function from the parts that a group has in any run to those it needs in each.
        """
        numbers = {run for _, run in self.runs}
        missing: dict[str, set[str]] = {}
        present: dict[str, set[str]] = {}
        for group, part in self.rows:
            present.setdefault(group, set()).add(part)
        for group in self.names:
            needed = expected(present[group])
            runs = [self.runs.get((group, number), {}) for number in numbers]
            absent = {part for part in needed if any(part not in run for run in runs)}
            if absent:
                missing[group] = absent
        return missing


def refusal(headline: str, noun: str, groups: int, missing: Mapping[str, set[str]]) -> str:
    """Why there is no headline: how many groups lack which parts; "" if no part is missing.

    noun: what a group is called. groups: the number of all groups.
    """
    if not missing:
        return ""
    counts = Counter(part for parts in missing.values() for part in parts)
    parts = ", ".join(f"{part} in {count}" for part, count in sorted(counts.items()))
    return (
        f"No {headline}: {len(missing)} of {groups} {noun}s lack rows ({parts}; "
        f"{noun} {next(iter(missing))!r}, say). It needs whole {noun}s."
    )


def mean(values: Iterable[float]) -> float | None:
    """The mean in percent; None without values."""
    kept = list(values)
    return 100 * sum(kept) / len(kept) if kept else None
