"""Statuses and methods of whole verdicts."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

import racro_eval.grading as grading
from racro_eval.data.sample import Sample
from racro_eval.errors import ConfigError
from racro_eval.grading import Status, grade

FREE = Sample(index="1", question="", answer="42")
CHOICE = Sample(index="2", question="", options={"A": "1", "B": "42"}, answer="B")


@pytest.mark.parametrize(
    ("response", "finish_reason", "status", "method"),
    [
        ("", "stop", Status.empty, ""),
        (" \n", "length", Status.empty, ""),
        ("\\boxed{42}", "stop", Status.correct, "boxed/string"),
        ("\\boxed{42.0}", "stop", Status.correct, "boxed/number"),
        ("\\boxed{41}", "stop", Status.incorrect, "boxed/number"),
        ("I would rather not say anything on this.", "stop", Status.unparsed, ""),
        ("I would rather not say anything on this.", "length", Status.truncated, ""),
        ("<think>hm \\boxed{42}", "stop", Status.truncated, ""),
        ("<think>hm \\boxed{42}</think>", "length", Status.truncated, ""),
        ("\\boxed{42} and fur", "length", Status.correct, "boxed/string"),
        ("\\boxed{" + "9" * 2001 + "}", "stop", Status.unparsed, "boxed/too-big"),
    ],
)
def test_status(response: str, finish_reason: str, status: Status, method: str) -> None:
    verdict = grade(response, FREE, finish_reason=finish_reason)
    assert (verdict.status, verdict.method) == (status, method)
    assert verdict.correct is (status is Status.correct)


def test_several_boxes_count_together_only_for_a_plural_gold() -> None:
    response = "$\\boxed{1}$ and $\\boxed{2}$"
    plural = grade(response, Sample(index="1", question="", answer="2,1"))
    assert plural.correct and plural.method.startswith("boxes/")
    assert grade(response, Sample(index="1", question="", answer="2")).correct
    assert not grade(response, Sample(index="1", question="", answer="3")).correct


def test_the_rule_follows_the_options_unless_given() -> None:
    assert grade("\\boxed{B}", CHOICE).method == "boxed/choice-letter"
    assert not grade("\\boxed{B}", replace(CHOICE, rule="math")).method.endswith("choice-text")
    assert grade("\\boxed{41.7}", replace(FREE, rule="float")).correct
    assert not grade("\\boxed{41.7}", replace(FREE, rule="integer")).correct
    with pytest.raises(ConfigError):
        grade("", replace(FREE, rule="levenshtein"))


def test_a_choice_row_bigger_than_the_budget_is_unparsed() -> None:
    assert grade("\\boxed{" + "x" * 5000 + "}", CHOICE).status is Status.unparsed


def test_public_names_are_complete_and_sorted() -> None:
    assert grading.__all__ == sorted(grading.__all__, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(grading, name) for name in grading.__all__)
    assert not hasattr(grading, "grade_all")


def test_importing_loads_nothing_heavy() -> None:
    script = (
        "import sys; from racro_eval.grading import grade, is_equivalent;"
        "heavy = {'sympy', 'torch', 'mpmath', 'antlr4', 'numpy', 'pandas', 'PIL', 'pydantic'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
