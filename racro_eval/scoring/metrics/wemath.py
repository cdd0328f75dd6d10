"""We-Math's four-dimensional metric: the score (strict) and its components.

A problem has one-step sub-questions s_i and the multi-step question m that combines them. By which
of them are correct, it is a case of

    complete mastery           CM   strict: all s and m       loose: any s, and m
    rote memorisation          RM   strict: not all s, but m  loose: no s, but m
    inadequate generalisation  IG   all s, not m
    insufficient knowledge     IK   not all s, not m

    score = (CM + 0.5 IG) / problems

Source: arXiv 2407.01284, section 3; `four_dimensional_metrics.py` and `accuracy.py` of its
repository, whose constant 525 is the number of problems scored here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

from racro_eval.data.spec import BenchmarkSpec
from racro_eval.errors import DataError
from racro_eval.scoring.metrics.accuracy import accuracy
from racro_eval.scoring.metrics.base import Metric, Part, Score
from racro_eval.scoring.metrics.groups import Groups, mean, refusal
from racro_eval.settings import read_mapping

NEEDS = ("problem", "part", "concept")
"""Columns: the problem's id; 2steps_1 ... 3steps_multi; the knowledge concept."""
HEADLINE = "score (strict)"


def wemath(rows: Iterable[Mapping[str, str]], spec: BenchmarkSpec) -> Score:
    """Score (strict) of graded rows with the columns NEEDS; refused if a problem lacks a part."""
    groups = Groups("problem", "part", labels=("concept",))
    score = accuracy(groups.record(rows, spec), spec)
    score.metric = HEADLINE
    score.refusal = refusal(HEADLINE, "problem", len(groups.names), groups.missing(_parts))
    outcomes = {} if score.refusal else {key: _outcome(run) for key, run in groups.runs.items()}
    points: dict[str, list[float]] = {}
    for (problem, _), (strict, _) in outcomes.items():
        points.setdefault(problem, []).append(_POINTS[strict])
    score.units = {problem: sum(each) / len(each) for problem, each in points.items()}
    score.value = mean(score.units.values())
    score.further = {**_dimensions(list(outcomes.values())), **_steps(groups), **_domains(groups)}
    return score


METRIC = Metric(wemath, NEEDS)


_PART = re.compile(r"[23]steps_([123]|multi)")
_POINTS = {"CM": 1.0, "IG": 0.5, "RM": 0.0, "IK": 0.0}


def _steps_of(part: str) -> int:
    """How many one-step sub-questions the problem of a part has: 2 for 2steps_multi."""
    if not _PART.fullmatch(part):
        raise DataError(f"{part!r} is no part of a We-Math problem, such as 3steps_multi.")
    return int(part[0])


def _parts(present: Iterable[str]) -> set[str]:
    steps = max(map(_steps_of, present))
    return {f"{steps}steps_{name}" for name in (*range(1, steps + 1), "multi")}


def _outcome(run: Mapping[str, bool]) -> tuple[str, str]:
    """The dimension of a problem in one run, by the strict and by the loose definition."""
    (multi,) = [correct for part, correct in run.items() if part.endswith("multi")]
    steps = [correct for part, correct in run.items() if not part.endswith("multi")]
    if not multi:
        kind = "IG" if all(steps) else "IK"
        return kind, kind
    return "CM" if all(steps) else "RM", "CM" if any(steps) else "RM"


def _dimensions(outcomes: list[tuple[str, str]]) -> dict[str, float | None]:
    """The rates of the four dimensions, and the loose score. The rate of RM is RM / (CM + RM)."""
    rates: dict[str, float | None] = {}
    for column, mode in enumerate(("strict", "loose")):
        count = Counter(outcome[column] for outcome in outcomes)
        mastered, by_rote = count["CM"], count["RM"]
        rates |= {
            f"score ({mode})": mean(_POINTS[outcome[column]] for outcome in outcomes),
            f"CM ({mode})": Part(mastered, len(outcomes)).percent,
            f"RM ({mode})": Part(by_rote, mastered + by_rote).percent,
            "IG": Part(count["IG"], len(outcomes)).percent,
            "IK": Part(count["IK"], len(outcomes)).percent,
        }
    del rates[HEADLINE]
    return rates


def _steps(groups: Groups) -> dict[str, float | None]:
    """S1: accuracy on the one-step sub-questions; S2, S3: on the multi-step questions."""
    parts = {"S1": Part(), "S2": Part(), "S3": Part()}
    for run in groups.runs.values():
        for part, correct in run.items():
            parts[f"S{_steps_of(part)}" if part.endswith("multi") else "S1"].add(correct)
    return {name: part.percent for name, part in parts.items()}


def _domains(groups: Groups) -> dict[str, float | None]:
    """For each domain, the mean of its concepts' accuracies on one-step sub-questions."""
    concepts: dict[str, Part] = {}
    for (problem, _), run in groups.runs.items():
        for part, correct in run.items():
            if not part.endswith("multi"):
                (concept,) = groups.rows[problem, part]
                concepts.setdefault(concept, Part()).add(correct)
    means: dict[str, float | None] = {}
    for domain, names in domains().items():
        parts = [concepts[name] for name in names if name in concepts]
        shares = [part.correct / part.rows for part in parts]
        if shares:
            means[f"domain: {domain}"] = mean(shares)
    return means


@cache
def domains() -> dict[str, list[str]]:
    """We-Math's 12 second-level domains, and the knowledge concepts of each."""
    return read_mapping(resources.files("racro_eval.scoring.metrics") / "wemath_domains.yaml")
