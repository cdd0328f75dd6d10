"""Agreement with MathVision's official verdicts and with other projects' test suites."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from racro_eval.data.sample import Sample
from racro_eval.grading import grade, is_equivalent
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


def test_peer_cases() -> None:
    cases = [
        row
        for row in rows(shared_data() / "grading" / "peer_cases.jsonl")
        if row["policy"] is None and row["kind"] == "answer"
    ]
    wrong = [
        row["id"] for row in cases if is_equivalent(row["pred"], row["gold"]) != row["expected"]
    ]
    print(f"{len(cases) - len(wrong)} of {len(cases)} cases as expected; not: {wrong}")
    assert len(wrong) <= 5


def test_every_mathvision_gold_equals_itself_when_boxed() -> None:
    for row in rows(shared_data() / "mathvision" / "test.jsonl"):
        sample = Sample(index=row["id"], question="", answer=row["answer"])
        assert grade(f"So $\\boxed{{{row['answer'].strip('$')}}}$.", sample).correct, row["id"]
