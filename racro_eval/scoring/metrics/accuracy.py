"""Accuracy: the share of correct rows. With several answers per sample, their mean (mean@n)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from operator import itemgetter

from racro_eval.data.spec import BenchmarkSpec
from racro_eval.scoring.metrics.base import Metric, Part, Score


def accuracy(rows: Iterable[Mapping[str, str]], spec: BenchmarkSpec) -> Score:
    """Score graded rows (columns `index`, `status`, `correct` and the breakdowns).

    Rows outside the benchmark's headline (the dev split of MMMU) are not counted anywhere.
    """
    # A leaderboard scores a million rows: what is alike is counted first and labelled then.
    counted = filter(spec.counts, rows) if spec.headline else rows
    facts = list(map(itemgetter("index", "correct", "status", *spec.breakdowns), counted))
    answers = Counter(map(itemgetter(0), facts))
    right = Counter(fact[0] for fact in facts if fact[1] == "1")
    alike = Counter(map(itemgetter(slice(1, None)), facts))
    whole = Part(right.total(), answers.total())
    return Score(
        metric="accuracy",
        value=whole.percent,
        whole=whole,
        samples=len(answers),
        expected=spec.counted_rows,
        statuses=_by_status(alike),
        breakdowns=_breakdowns(alike, spec),
        units={index: right.get(index, 0) / count for index, count in answers.items()},
    )


METRIC = Metric(accuracy)


def _by_status(alike: Counter[tuple[str, ...]]) -> Counter[str]:
    statuses: Counter[str] = Counter()
    for (_, status, *_), count in alike.items():
        statuses[status] += count
    return statuses


def _breakdowns(alike: Counter[tuple[str, ...]], spec: BenchmarkSpec) -> dict[str, dict[str, Part]]:
    breakdowns: dict[str, dict[str, Part]] = {name: {} for name in spec.breakdowns}
    for (correct, _, *values), count in alike.items():
        for name, value in zip(spec.breakdowns, values, strict=True):
            for label in labels(value, several=name in spec.multi_label):
                part = breakdowns[name].setdefault(label, Part())
                part.rows += count
                part.correct += count * (correct == "1")
    return breakdowns


def labels(value: str, *, several: bool) -> list[str]:
    """The labels in a breakdown's cell: the text itself, or the items of a JSON list."""
    return [str(label) for label in json.loads(value or "[]")] if several else [value]
