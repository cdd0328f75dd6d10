"""We-Math's metric on problems whose outcome is known, and against the definition."""

from __future__ import annotations

import itertools
import random

import pytest

from racro_eval.data.spec import BenchmarkSpec
from racro_eval.errors import ConfigError, DataError
from racro_eval.scoring.metrics.registry import Score, score
from racro_eval.scoring.metrics.wemath import domains
from tests.support.specs import spec_with

SPEC = spec_with("wemath", "problem", "part", "concept")
CONCEPT = "Area of Circles"

Outcome = tuple[tuple[bool, ...], bool]


def rows_of(
    problem: str, steps: tuple[bool, ...], multi: bool, *, run: str = "0", concept: str = CONCEPT
) -> list[dict[str, str]]:
    """The graded rows of one problem."""
    names = [f"{len(steps)}steps_{name}" for name in (*range(1, len(steps) + 1), "multi")]
    return [
        {
            "index": f"{problem}-{name}",
            "sample": run,
            "status": "correct" if correct else "incorrect",
            "correct": "01"[correct],
            "problem": problem,
            "part": name,
            "concept": concept,
        }
        for name, correct in zip(names, (*steps, multi), strict=True)
    ]


def scored(*outcomes: Outcome, spec: BenchmarkSpec = SPEC) -> Score:
    rows = [row for n, (s, m) in enumerate(outcomes) for row in rows_of(str(n), s, m)]
    return score(rows, spec)


# (one-step verdicts, multi-step verdict), strict points, loose points, strict kind, loose kind
CASES = [
    ((1, 1), 1, 1.0, 1.0, "CM", "CM", "all right"),
    ((1, 0), 1, 0.0, 1.0, "RM", "CM", "one step missing: rote memorisation only strictly"),
    ((0, 0), 1, 0.0, 0.0, "RM", "RM", "no step: rote memorisation in both"),
    ((1, 1), 0, 0.5, 0.5, "IG", "IG", "knows the steps, cannot combine them"),
    ((1, 0), 0, 0.0, 0.0, "IK", "IK", "a step is missing"),
    ((0, 0), 0, 0.0, 0.0, "IK", "IK", "nothing"),
    ((1, 1, 1), 1, 1.0, 1.0, "CM", "CM", "three steps, all right"),
    ((0, 0, 1), 1, 0.0, 1.0, "RM", "CM", "one of three is enough loosely"),
    ((0, 0, 0), 1, 0.0, 0.0, "RM", "RM", "none of three"),
    ((1, 1, 1), 0, 0.5, 0.5, "IG", "IG", "three steps, not combined"),
    ((1, 1, 0), 0, 0.0, 0.0, "IK", "IK", "one of three is missing"),
]


@pytest.mark.parametrize(("steps", "multi", "strict", "loose", "kind", "loose_kind", "why"), CASES)
def test_every_outcome_of_a_problem(
    steps: tuple[int, ...],
    multi: int,
    strict: float,
    loose: float,
    kind: str,
    loose_kind: str,
    why: str,
) -> None:
    result = scored((tuple(map(bool, steps)), bool(multi)))
    assert result.value == 100 * strict, why
    assert result.units == {"0": strict}
    assert result.further["score (loose)"] == 100 * loose
    for mode, of in (("strict", kind), ("loose", loose_kind)):
        assert result.further[f"CM ({mode})"] == (100 if of == "CM" else 0)
        by_rote = {"RM": 100.0, "CM": 0.0}.get(of)
        assert result.further[f"RM ({mode})"] == by_rote, "undefined without CM and RM"
    assert result.further["IG"] == (100 if kind == "IG" else 0)
    assert result.further["IK"] == (100 if kind == "IK" else 0)


def brute_force(outcomes: list[Outcome]) -> dict[str, float]:
    """The published formulae, written down again: (N - 0.5 IG - RM - IK) / N and shares."""
    n = len(outcomes)
    ig = sum(all(s) and not m for s, m in outcomes)
    ik = sum(not all(s) and not m for s, m in outcomes)
    rm_strict = sum(not all(s) and m for s, m in outcomes)
    rm_loose = sum(not any(s) and m for s, m in outcomes)
    cm_strict, cm_loose = n - ig - ik - rm_strict, n - ig - ik - rm_loose
    expected = {
        "strict": (n - 0.5 * ig - rm_strict - ik) / n,
        "score (loose)": (n - 0.5 * ig - rm_loose - ik) / n,
        "IG": ig / n,
        "IK": ik / n,
        "CM (strict)": cm_strict / n,
        "CM (loose)": cm_loose / n,
    }
    if cm_strict + rm_strict:
        expected["RM (strict)"] = rm_strict / (cm_strict + rm_strict)
        expected["RM (loose)"] = rm_loose / (cm_loose + rm_loose)
    one_step = [step for s, _ in outcomes for step in s]
    expected["S1"] = sum(one_step) / len(one_step)
    for steps in (2, 3):
        multi = [m for s, m in outcomes if len(s) == steps]
        if multi:
            expected[f"S{steps}"] = sum(multi) / len(multi)
    return expected


@pytest.mark.slow
def test_ten_thousand_random_outcome_tables() -> None:
    draw = random.Random(20240701)
    for _ in range(10_000):
        share = draw.random()
        outcomes = [
            (
                tuple(draw.random() < share for _ in range(draw.choice((2, 3)))),
                draw.random() < share,
            )
            for _ in range(draw.randint(1, 8))
        ]
        result, expected = scored(*outcomes), brute_force(outcomes)
        assert result.value == pytest.approx(100 * expected.pop("strict"))
        for name, value in expected.items():
            assert result.further[name] == pytest.approx(100 * value), (name, outcomes)


def test_a_domain_is_the_plain_mean_of_its_concepts() -> None:
    rows = rows_of("1", (True, True), False, concept="Area of Circles")
    rows += rows_of("2", (True, False), True, concept="Area of Sectors")
    rows += rows_of("3", (False, False), True, concept="Area of Sectors")
    result = score(rows, SPEC)
    # circles 2/2, sectors 1/4; the multi-step questions do not count
    assert result.further["domain: Calculation of Plane Figures"] == pytest.approx(62.5)
    assert "domain: Position" not in result.further


def test_the_knowledge_structure_has_12_domains_and_67_concepts() -> None:
    concepts = list(itertools.chain.from_iterable(domains().values()))
    assert (len(domains()), len(concepts), len(set(concepts))) == (12, 67, 67)


def test_several_answers_are_several_runs_of_each_problem() -> None:
    rows = rows_of("1", (True, True), True) + rows_of("1", (True, True), False, run="1")
    result = score(rows, SPEC)
    assert result.value == 75.0
    assert result.units == {"1": 0.75}


def test_problems_that_lack_rows_are_refused_and_named() -> None:
    rows = rows_of("7", (True, True), True)[1:] + rows_of("8", (True, True, True), True)[:-1]
    result = score(rows + rows_of("9", (True, True), True), SPEC)
    assert result.value is None
    assert result.units == {}
    assert result.refusal == (
        "No score (strict): 2 of 3 problems lack rows (2steps_1 in 1, 3steps_multi in 1; "
        "problem '7', say). It needs whole problems."
    )
    assert result.further["score (loose)"] is None
    assert result.further["S1"] == 100.0


def test_a_second_run_that_is_not_finished_is_refused() -> None:
    rows = rows_of("1", (True, True), True) + rows_of("1", (True, True), True, run="1")[:-1]
    assert "1 of 1 problems lack rows (2steps_multi in 1" in score(rows, SPEC).refusal


def test_whole_problems_of_an_incomplete_benchmark_are_partial() -> None:
    result = scored(((True, True), True))
    assert (result.value, result.partial, result.refusal) == (100.0, True, "")


def test_no_rows_have_no_score() -> None:
    result = score([], SPEC)
    assert (result.value, result.refusal, result.further["S1"]) == (None, "", None)


def test_a_part_that_we_math_does_not_have_is_an_error() -> None:
    rows = rows_of("1", (True, True), True)
    rows[0]["part"] = "first"
    with pytest.raises(DataError, match="'first' is no part of a We-Math problem"):
        score(rows, SPEC)


def test_the_metric_says_which_column_the_benchmark_does_not_give() -> None:
    with pytest.raises(ConfigError, match="needs the meta column 'concept'"):
        score([], spec_with("wemath", "problem", "part"))
