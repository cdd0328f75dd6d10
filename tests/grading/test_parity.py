"""Agreement with MathVision's official verdicts and with other projects' test suites."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racro_eval.data.sample import Sample
from racro_eval.grading import grade, is_equivalent
from racro_eval.grading.normalize import normalize
from racro_eval.grading.rationals import rational
from tests.support.paths import shared_data

pytestmark = pytest.mark.slow

# Official verdicts that MathVision's own rule gets wrong, and where ours differs on purpose.
LOWEST = {"Gemini-Pro-CoT": 0.99, "SPHINX-v2": 0.998}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("model", LOWEST)
def test_mathvision_outputs(model: str) -> None:
    folder = shared_data() / "mathvision"
    samples = {
        row["id"]: Sample(
            index=row["id"],
            question=row["question"],
            options=dict(zip("ABCDE", row["options"], strict=False)),
            answer=row["answer"],
        )
        for row in rows(folder / "test.jsonl")
    }
    outputs = rows(folder / "outputs" / f"{model}.jsonl")
    assert len(outputs) == 3040
    agreed = sum(
        grade(row["response"], samples[row["id"]]).correct == row["correct"] for row in outputs
    )
    print(f"{model}: {agreed} of {len(outputs)} verdicts agree")
    assert agreed / len(outputs) >= LOWEST[model]


def peer_rows(kind: str, *, core: bool) -> list[dict[str, Any]]:
    found = rows(shared_data() / "grading" / "peer_cases.jsonl")
    return [row for row in found if row["kind"] == kind and not (core and row["policy"])]


def test_peer_answers() -> None:
    cases = peer_rows("answer", core=True)
    wrong = [row for row in cases if is_equivalent(row["pred"], row["gold"]) != row["expected"]]
    print(f"{len(cases) - len(wrong)} of {len(cases)} answers; not: {[row['id'] for row in wrong]}")
    assert len(wrong) <= 0.015 * len(cases)
    assert sum(not row["expected"] for row in wrong) <= 2


def test_peer_responses() -> None:
    cases = peer_rows("response", core=False)
    wrong = [
        row["id"]
        for row in cases
        if grade(row["pred"], Sample(index="", question="", answer=row["gold"])).correct
        != row["expected"]
    ]
    print(f"{len(cases) - len(wrong)} of {len(cases)} responses; not: {wrong}")
    assert len(wrong) <= 0.1 * len(cases)


def test_every_mathvision_gold_equals_itself_when_boxed() -> None:
    for row in rows(shared_data() / "mathvision" / "test.jsonl"):
        sample = Sample(index=row["id"], question="", answer=row["answer"])
        assert grade(f"So $\\boxed{{{row['answer'].strip('$')}}}$.", sample).correct, row["id"]


def golds() -> dict[str, list[str]]:
    """The gold answers of every benchmark in the folder of real data."""
    data = shared_data()

    def load(name: str) -> Any:
        return json.loads((data / name).read_text(encoding="utf-8"))

    truths = (row["ground_truth"] for row in load("mmmu/answer_dict_val.json").values())
    found = {
        "mathvision": [row["answer"] for row in rows(data / "mathvision" / "test.jsonl")],
        "mathvista": [row["answer"] for row in load("mathvista/outputs/bard.json").values()],
        "mmmu": [
            one for truth in truths for one in (truth if isinstance(truth, list) else [truth])
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
        name: sorted({str(a) for a in texts if str(a).strip()}) for name, texts in found.items()
    }


_PLAIN = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.mark.parametrize(
    "benchmark", ["mathvision", "mathvista", "mmmu", "dynamath", "logicvista", "olympiadbench"]
)
def test_golds(benchmark: str) -> None:
    """Every gold equals itself; of two numbers only one that rounds to the other equals it.

    All pairs of numbers: plainly where one is more than a string of digits; two strings of digits
    only where they are near, as `test_far_numbers_differ` shows for all others.
    """
    texts = golds()[benchmark]
    assert [text for text in texts if not is_equivalent(f" ${text.strip('$')}$ ", text)] == []
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
    print(f"{benchmark}: {len(numbers)} numbers, {compared} pairs compared")


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
