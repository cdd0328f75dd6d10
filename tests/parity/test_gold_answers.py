"""Gold answers of the real benchmarks: each is correct, and no other number is taken for it."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racro_eval.data.sample import Sample
from racro_eval.grading import is_equivalent
from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.maths.rationals import rational
from racro_eval.scoring.official import mmmu
from racro_eval.scoring.profiles import grade
from tests.parity.agreement import benchmark, json_lines, load, mmmu_rows
from tests.support.paths import shared_data

pytestmark = pytest.mark.slow

BENCHMARKS = ["MathVision", "MathVision_MINI", "MathVista_MINI", "LogicVista", "WeMath", "DynaMath"]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_gold_answer_is_correct_against_itself(name: str) -> None:
    shared_data()
    wrong = [s.index for s in benchmark(name) if not boxed_gold_is_correct(s)]
    assert wrong == []


@pytest.mark.parametrize("model", ["llava1.5_13b", "qwen_vl"])
def test_every_mmmu_gold_answer_is_correct_against_itself(model: str) -> None:
    shared_data()
    rows = mmmu_rows(model)
    assert [row.sample.index for row in rows if not boxed_gold_is_correct(row.sample)] == []


def boxed_gold_is_correct(sample: Sample) -> bool:
    """Whether each gold spelling, boxed as a model would, is graded as correct."""
    golds = mmmu.gold_answers(sample.answer) if sample.scorer == "mmmu" else [sample.answer]
    return all(grade(f"So it is $\\boxed{{{g.strip('$')}}}$.", sample).correct for g in golds)


@cache
def golds() -> dict[str, list[str]]:
    """The texts of the gold answers of every benchmark in the folder of real data."""
    truths = (row["ground_truth"] for row in load("mmmu/answer_dict_val.json").values())
    answers = {
        "mathvision": [row["answer"] for row in json_lines("mathvision/test.jsonl")],
        "mathvista": [row["answer"] for row in load("mathvista/outputs/bard.json").values()],
        "mmmu": [
            answer for truth in truths for answer in (truth if isinstance(truth, list) else [truth])
        ],
        "dynamath": [
            row["answer"]
            for trial in range(1, 11)
            for row in load(f"dynamath/trial{trial}/dataset.json").values()
        ],
        "logicvista": [row["answer"] for row in load("logicvista/dataset.json").values()],
        "olympiadbench": [row["GT"] for row in load("olympiadbench/scoring_examples.json")],
    }
    return {
        name: sorted({str(a) for a in texts if str(a).strip()}) for name, texts in answers.items()
    }


_PLAIN = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.mark.parametrize(
    "name", ["mathvision", "mathvista", "mmmu", "dynamath", "logicvista", "olympiadbench"]
)
def test_the_grader_distinguishes_gold_answers(name: str) -> None:
    """By itself: a gold equals itself, and of two numbers only one that rounds to the other.

    All pairs of numbers: plainly where one is more than a string of digits; two strings of digits
    only where they are near, as `test_far_numbers_differ` shows for all others.
    """
    texts = golds()[name]
    pairs = [(given, text) for text in texts for given in _forms(text)]
    assert [pair for pair in pairs if not is_equivalent(*pair)] == []
    values = [(text, rational(normalize(text))) for text in texts]
    numbers = sorted(((v, t) for t, v in values if v is not None), key=lambda pair: pair[0])
    compared = 0
    for position, (value, text) in enumerate(numbers):
        for other_value, other in numbers[position + 1 :]:
            plain = _PLAIN.fullmatch(text) and _PLAIN.fullmatch(other)
            if plain and other_value - value > 1 + abs(value) / 100:
                continue
            if value == other_value or _rounds(text, value, other, other_value):
                continue
            compared += 1
            assert not is_equivalent(text, other), (text, other)
            assert not is_equivalent(other, text), (text, other)
    print(f"{name}: {len(numbers)} numbers, {compared} pairs compared")


def _forms(gold: str) -> tuple[str, ...]:
    """A gold answer as in a box, and in dollars."""
    bare = gold.strip("$")
    return bare, f" ${bare}$ "


@given(st.decimals(-(10**6), 10**6, places=3), st.decimals(1, 10**6, places=3), st.booleans())
def test_far_numbers_differ(number: Decimal, step: Decimal, up: bool) -> None:
    """Numbers that are further apart than the last digit of either shows are never equal."""
    other = number + (step if up else -step) * (1 + abs(number) / 100)
    assert not is_equivalent(str(number), f"{other:f}")


def _rounds(text: str, value: Fraction, other: str, other_value: Fraction) -> bool:
    """Whether one is the other to the decimals that it shows, as the policy allows."""
    places = [len(t.partition(".")[2]) for t in (text, other) if "." in t]
    near = abs(value - other_value) <= Fraction(1, 10**9) * abs(value)
    shown = min(places, default=0)
    return bool(places) and (near or abs(value - other_value) * 10**shown <= Fraction(1, 2))
