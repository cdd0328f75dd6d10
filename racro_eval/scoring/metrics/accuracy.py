"""Accuracy: the share of correct rows. With several draws per sample this is mean@n."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from operator import itemgetter

from racro_eval.data.spec import BenchmarkSpec
from racro_eval.scoring.metrics.base import Metric, Part, Score


def accuracy(rows: Iterable[Mapping[str, str]], spec: BenchmarkSpec) -> Score:
    """The score of graded rows, which have the columns `index`, `status`, `correct` and breakdowns.

    Rows that the benchmark's headline does not count (the dev split of MMMU) are ignored.
    """
    # A leaderboard scores a million rows: equal rows are counted first, and labelled afterwards.
    counted = filter(spec.counts, rows) if spec.headline else rows
    cells = list(map(itemgetter("index", "correct", "status", *spec.breakdowns), counted))
    answers = Counter(map(itemgetter(0), cells))
    correct = Counter(row[0] for row in cells if row[1] == "1")
    combinations = Counter(map(itemgetter(slice(1, None)), cells))
    whole = Part(correct.total(), answers.total())
    return Score(
        metric="accuracy",
        value=whole.percent,
        whole=whole,
        samples=len(answers),
        expected=spec.counted_rows,
        statuses=_by_status(combinations),
        breakdowns=_breakdowns(combinations, spec),
        units={index: correct.get(index, 0) / count for index, count in answers.items()},
    )


METRIC = Metric(accuracy)


def _by_status(combinations: Counter[tuple[str, ...]]) -> Counter[str]:
    statuses: Counter[str] = Counter()
    for (_, status, *_), count in combinations.items():
        statuses[status] += count
    return statuses


def _breakdowns(
    combinations: Counter[tuple[str, ...]], spec: BenchmarkSpec
) -> dict[str, dict[str, Part]]:
    breakdowns: dict[str, dict[str, Part]] = {name: {} for name in spec.breakdowns}
    for (correct, _, *values), count in combinations.items():
        for name, value in zip(spec.breakdowns, values, strict=True):
            for label in _labels(value, several=name in spec.multi_label):
                part = breakdowns[name].setdefault(label, Part())
                part.rows += count
                part.correct += count * (correct == "1")
    return breakdowns


def _labels(value: str, *, several: bool) -> list[str]:
    """The labels in a breakdown's cell: its text, or several as a JSON list."""
    return [str(label) for label in json.loads(value or "[]")] if several else [value]
