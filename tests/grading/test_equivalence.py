"""Pairs of answers that must and must not be equal; the table says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from racro_eval.errors import ConfigError
from racro_eval.grading import is_equivalent
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.verdict import Status
from tests.support.worker import warm_up

CASES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("equivalence.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module", autouse=True)
def _worker() -> None:
    warm_up()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['prediction']}|{case['answer']}")
def test_table(case: dict[str, Any]) -> None:
    equal = is_equivalent(case["prediction"], case["answer"], rule=case["rule"])
    assert equal is case["equal"], case["why"]


def test_an_unknown_rule_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="There is no answer rule 'levenshtein'"):
        is_equivalent("1", "1", rule="levenshtein")


@pytest.mark.parametrize(
    "text", ["9" * 2001, "x" * 4001, "(" * 65 + "1" + ")" * 65, "\\sqrt" * 70 + "2"]
)
def test_over_budget_only_the_same_string_is_equal(text: str) -> None:
    assert is_equivalent(text, text)
    assert compare(text, "1").status is Status.unparsed


def test_the_method_says_what_decided() -> None:
    assert compare("0.5", "\\frac12").method == "number"
    assert compare("x+1", "\\frac{x^2-1}{x-1}").method == "identity"
    assert compare("\\int_0^1 2x dx", "1").method == "sympy"
    assert compare("Sunday", "the sunday").method == "text"
