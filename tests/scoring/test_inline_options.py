"""Options that stand in the text of a question."""

from __future__ import annotations

import pytest

from racro_eval.scoring.official.inline import inline_options

SHORT = "\nPlease try to answer the question with short words or phrases if possible."


@pytest.mark.parametrize(
    ("question", "options", "why"),
    [
        ("Find x.\nChoices:\nA:30°\nB:60°", {"A": "30°", "B": "60°"}, "MathVerse's spelling"),
        ("Find x.\nChoices:\nA:30°\nB:60°" + SHORT, {"A": "30°", "B": "60°"}, "a line behind"),
        ("How many? (A) 27 (B) 48 (C) 19", {"A": "27", "B": "48", "C": "19"}, "LogicVista's"),
        ("How many?\n(A) 27\n(B) 4 of 8" + SHORT, {"A": "27", "B": "4 of 8"}, "on lines"),
        ("Of the points (B) and (C), which is higher?", {}, "letters that name points"),
        ("Is (A) right?", {}, "one letter"),
        ("(A) 1 (B) 2 or (A) 3 (B) 4", {}, "two lists"),
        ("Which is it?", {}, "none"),
    ],
)
def test_inline_options(question: str, options: dict[str, str], why: str) -> None:
    assert inline_options(question) == options, why
