"""DynaMath: worst-case accuracy over the ten variants of each seed question, and the average.

    average              = correct rows / rows
    worst case           = seeds with all ten variants correct / seeds
    reasoning robustness = worst case / average

Source: arXiv 2411.00836, section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from racro_eval.data.spec import BenchmarkSpec
from racro_eval.scoring.metrics.accuracy import accuracy
from racro_eval.scoring.metrics.base import Metric, Part, Score
from racro_eval.scoring.metrics.groups import Groups, mean, refusal

NEEDS = ("seed", "variant")
"""Columns: the seed question's id; 1 to 10."""
HEADLINE = "worst-case accuracy"
VARIANTS = {str(number) for number in range(1, 11)}


def dynamath(rows: Iterable[Mapping[str, str]], spec: BenchmarkSpec) -> Score:
    """Worst-case accuracy of graded rows with the columns NEEDS; refused if a seed lacks a variant.

    Each breakdown has a second one by worst case, in which a seed has the label of its first
    variant.
    """
    groups = Groups("seed", "variant", labels=spec.breakdowns)
    score = accuracy(groups.record(rows, spec), spec)
    average = score.value
    score.metric, score.value, score.units = HEADLINE, None, {}
    missing = groups.missing(lambda _: VARIANTS)
    score.refusal = refusal(HEADLINE, "seed", len(groups.names), missing)
    score.further = {"average": average, "reasoning robustness": None}
    if score.refusal or not groups.runs:
        return score
    worst = {key: all(run.values()) for key, run in groups.runs.items()}
    score.units = _units(worst)
    score.value = mean(score.units.values())
    if average and score.value is not None:
        score.further["reasoning robustness"] = 100 * score.value / average
    for position, name in enumerate(spec.breakdowns):
        score.breakdowns[f"{name} (worst case)"] = _worst_by(groups, worst, position)
    return score


METRIC = Metric(dynamath, NEEDS)


def _units(worst: Mapping[tuple[str, str], bool]) -> dict[str, float]:
    """Seed → the share of runs in which all its variants are correct."""
    runs: dict[str, list[bool]] = {}
    for (seed, _), correct in worst.items():
        runs.setdefault(seed, []).append(correct)
    return {seed: sum(each) / len(each) for seed, each in runs.items()}


def _worst_by(
    groups: Groups, worst: Mapping[tuple[str, str], bool], position: int
) -> dict[str, Part]:
    parts: dict[str, Part] = {}
    for (seed, _), correct in worst.items():
        parts.setdefault(groups.rows[seed, "1"][position], Part()).add(correct)
    return parts
