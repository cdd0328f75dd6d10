"""Verdicts beside the official ones on published outputs, and what docs/scoring.md says of them."""

from __future__ import annotations

import pytest

from racro_eval.data import Sample
from racro_eval.grading.verdict import Status
from racro_eval.scoring.official import mmmu, olympiadbench
from racro_eval.scoring.profiles import grade
from tests.parity import agreement
from tests.parity.agreement import Agreement, measured, mmmu_rows
from tests.support.paths import shared_data

pytestmark = pytest.mark.slow

# benchmark, outputs, given → the least share of rows that must be graded alike
LEAST = {
    ("MathVision", "Gemini-Pro-CoT", "the response"): 0.99,
    ("MathVision", "SPHINX-v2", "the response"): 0.998,
    ("MathVista", "bard", "the official extraction"): 1.0,
    ("MathVista", "gpt4_2shot_solution", "the official extraction"): 1.0,
    ("MathVista", "bard", "the response"): 0.95,
    ("MathVista", "gpt4_2shot_solution", "the response"): 0.86,
    ("LogicVista", "GPT4", "the official extraction"): 1.0,
    ("LogicVista", "LLAVA7B", "the official extraction"): 1.0,
    ("LogicVista", "GPT4", "the response"): 0.99,
    ("LogicVista", "LLAVA7B", "the response"): 0.93,
    ("MMMU", "llava1.5_13b", "the response"): 1.0,
    ("MMMU", "qwen_vl", "the response"): 1.0,
}


def agreement_of(benchmark: str, outputs: str, given: str) -> Agreement:
    shared_data()
    name = (benchmark, outputs, given)
    (measure,) = [a for a in measured() if (a.benchmark, a.outputs, a.given) == name]
    return measure


@pytest.mark.parametrize("name", LEAST, ids="-".join)
def test_rows_are_graded_alike(name: tuple[str, str, str]) -> None:
    measure = agreement_of(*name)
    print(f"{' '.join(name)}: {measure.agreed} of {measure.rows} verdicts agree")
    assert measure.rows > 400
    assert measure.agreed / measure.rows >= LEAST[name]


@pytest.mark.parametrize("model", ["Gemini-Pro-CoT", "SPHINX-v2"])
def test_the_grader_alone_grades_mathvision_alike(model: str) -> None:
    """Its official rule is the grader, and where that says no, numbers to two decimals."""
    name = ("MathVision", model, "the response")
    measure = agreement_of(*name)
    alone = measure.agreed - measure.comparisons["two-decimals"]
    print(f"{model}: {alone} of {measure.rows} verdicts of the grader alone agree")
    assert measure.rows == 3040
    assert alone / measure.rows >= LEAST[name]


def test_every_measure_has_a_bound() -> None:
    shared_data()
    assert {(a.benchmark, a.outputs, a.given) for a in measured()} == set(LEAST)


def test_every_row_decided_otherwise_is_explained() -> None:
    shared_data()
    named = {agreement.name_of(a, row) for a in measured() for row in a.decided}
    assert named == set(agreement.explanations())


def test_the_page_says_what_is_measured() -> None:
    shared_data()
    assert agreement.written() == agreement.section(), (
        "run `python -m tests.parity.agreement --write`"
    )


@pytest.mark.parametrize(("model", "guesses"), [("llava1.5_13b", 2), ("qwen_vl", 48)])
def test_mmmu_is_parsed_as_officially_but_nothing_is_drawn(model: str, guesses: int) -> None:
    shared_data()
    rows = mmmu_rows(model)
    assert len(rows) == 900
    assert sum(row.guessed for row in rows) == guesses
    boxed = 0
    for row in rows:
        if not row.sample.options:
            continue
        letter = mmmu.parse_choice(row.response, row.sample.options)
        assert letter == ("" if row.guessed else row.parsed), row.sample.index
        if row.guessed:
            verdict = grade(row.response, row.sample)
            boxed += verdict.method.startswith("boxed")
            assert verdict.method.startswith("boxed") or verdict.status is Status.unparsed
    # three of the 48 state a value in a box, which counts before the published parser
    assert boxed == {"llava1.5_13b": 0, "qwen_vl": 3}[model]


def test_the_examples_of_olympiadbench_are_graded_as_it_says() -> None:
    examples = agreement.load("olympiadbench/scoring_examples.json")
    cases = [(example["GT"], given) for example in examples for given in example["Ans"]]
    wrong = [
        (gold, given["answer"])
        for gold, given in cases
        if _olympiadbench(given["answer"], gold, given.get("precision", "")) != given["equal"]
    ]
    assert (len(cases), wrong) == (36, [])


def _olympiadbench(answer: str, gold: str, error: object) -> bool:
    sample = Sample(index="", question="", answer=gold, meta={"error": str(error)})
    return olympiadbench.compare_answer(answer, sample).equal
