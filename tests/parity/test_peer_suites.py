"""Verdicts beside the expectations in other projects' test suites."""

from __future__ import annotations

from typing import Any

import pytest

from racro_eval.data.sample import Sample
from racro_eval.grading import grade, is_equivalent
from tests.parity.agreement import json_lines

pytestmark = pytest.mark.slow


def peer_rows(kind: str, *, core: bool) -> list[dict[str, Any]]:
    rows = json_lines("grading/peer_cases.jsonl")
    return [row for row in rows if row["kind"] == kind and not (core and row["policy"])]


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
