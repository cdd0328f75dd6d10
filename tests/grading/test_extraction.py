"""Responses and the answer they state; the table says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from racro_eval.grading import Extraction, extract, extract_answer
from racro_eval.grading.extraction.extract import extract_all
from tests.support.effort import grows_linearly

CASES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("extraction.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_table(case: dict[str, Any]) -> None:
    extracted = extract(case["response"], finish_reason=case["finish_reason"])
    expected = None if case["text"] is None else Extraction(case["text"], case["method"])
    assert extracted == expected


def test_extract_answer_is_the_text_alone() -> None:
    assert extract_answer("so \\boxed{3}") == "3"
    assert extract_answer("I do not know what to say about it, sorry for that.") is None


def test_boxes_of_one_sentence_are_also_offered_together() -> None:
    extracted = extract_all("Hence $x = \\boxed{1}$ and $y = \\boxed{-2}$.")
    assert extracted == [Extraction("-2", "boxed"), Extraction("1, -2", "boxes")]
    angles = extract_all(
        "So $\\angle A = \\boxed{40}^\\circ$ and $\\angle B = \\boxed{60}^\\circ$."
    )
    assert angles[1] == Extraction("40, 60", "boxes")
    assert len(extract_all("\\boxed{1} is wrong, I find after a second look, so \\boxed{2}")) == 1


@pytest.mark.parametrize(
    "unit",
    [
        "{", "}", "\\boxed{", "\\boxed{1}", "\\boxed 5 ", "answer: ", "the answer is ", "<think>",
        "</think>", "$$", "\\[", "<answer>", "\\", " ", "a", "Answer:\n", "*", "答案", "- ",
        "wait, no. ", "hmm ", "So $1 ", "= 1 ", "is 1, ", "**1** and ", "$x=1$, ", "等等，", "(1, ",
        "```python ", "\n\n", "12 cm, so ", "if ", "User: ", "{\"answer\": \"",
    ],
)  # fmt: skip
def test_a_megabyte_is_read_in_linear_time(unit: str) -> None:
    assert grows_linearly(extract, lambda size: unit * (size // len(unit)), 1 << 20)


@pytest.mark.parametrize("unit", ["ab is ", "So the is ", "is ", "12 and ", "$x$ is 1, "])
@pytest.mark.parametrize("frame", ["\\boxed{%s}", "<answer>%s</answer>", "Answer: %s"])
def test_an_endless_answer_is_read_in_linear_time(frame: str, unit: str) -> None:
    assert grows_linearly(extract, lambda size: frame % (unit * (size // len(unit))), 1 << 19)
