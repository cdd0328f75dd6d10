"""Multiple-choice rows: letter, text, both; the table says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from racro_eval.data.sample import Sample
from racro_eval.grading import grade

CASES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("choices.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['response']}|{case['answer']}")
def test_table(case: dict[str, Any]) -> None:
    sample = Sample(index="1", question="", options=case["options"], answer=case["answer"])
    assert grade(case["response"], sample).correct is case["correct"], case["why"]
