"""The policy table: every row a test, and the documentation prints the same table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from racro_eval.grading import is_equivalent
from tests.support.paths import ROOT

TABLE: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("policy.json").read_text(encoding="utf-8")
)
PAIRS = [
    (row["case"], prediction, answer, equal)
    for row in TABLE
    for equal, pairs in ((True, row["equal"]), (False, row["different"]))
    for prediction, answer in pairs
]


@pytest.mark.parametrize(("case", "prediction", "answer", "equal"), PAIRS)
def test_policy(case: str, prediction: str, answer: str, equal: bool) -> None:
    assert is_equivalent(prediction, answer) is equal, case


def rendered() -> str:
    """The table as docs/scoring.md shows it: the first pairs of every row."""

    def shown(pairs: list[list[str]], sign: str) -> str:
        return ", ".join(
            f"`{prediction}` {sign} `{answer}`".replace("|", "\\|")
            for prediction, answer in pairs[:3]
        )

    lines = [
        "| case | equal? | equal: answer = gold | not equal: answer ≠ gold |",
        "|---|---|---|---|",
    ]
    for row in TABLE:
        cells = (row["case"], row["rule"], shown(row["equal"], "="), shown(row["different"], "≠"))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def test_the_documentation_prints_this_table() -> None:
    assert rendered() in (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
