"""Accuracy: the share of correct rows. With several answers per sample, their mean (mean@n)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from racro_eval.data.spec import BenchmarkSpec
from racro_eval.scoring.score import Part, Score


def accuracy(rows: Iterable[Mapping[str, str]], spec: BenchmarkSpec) -> Score:
    """Score graded rows (columns `index`, `status`, `correct` and the breakdowns).

    Rows outside the benchmark's headline (the dev split of MMMU) are not counted anywhere.
    """
    whole = Part()
    statuses: Counter[str] = Counter()
    breakdowns: dict[str, dict[str, Part]] = {name: {} for name in spec.breakdowns}
    samples: dict[str, Part] = {}
    for row in rows:
        if not spec.counts(row):
            continue
        correct = row["correct"] == "1"
        whole.add(correct)
        statuses[row["status"]] += 1
        samples.setdefault(row["index"], Part()).add(correct)
        for name, parts in breakdowns.items():
            for label in labels(row[name], several=name in spec.multi_label):
                parts.setdefault(label, Part()).add(correct)
    return Score(
        metric="accuracy",
        value=whole.percent,
        whole=whole,
        samples=len(samples),
        expected=spec.counted_rows,
        statuses=statuses,
        breakdowns=breakdowns,
        units={index: part.correct / part.rows for index, part in samples.items()},
    )


def labels(value: str, *, several: bool) -> list[str]:
    """The labels in a breakdown's cell: the text itself, or the items of a JSON list."""
    return [str(label) for label in json.loads(value or "[]")] if several else [value]
