"""DynaMath: `dataset/dynamath.py` as of March 2025.

The response is cut to the text from the first "{" to the last "}", and its backslashes are removed.
It should be read as JSON, but never is because of a misspelt name. A boxed number keeps its braces
and is sent to the judge. A text is correct if the gold answer contains it: never if it is boxed,
and always if it is empty.
"""

from __future__ import annotations

import re
from fractions import Fraction

from racro_eval.data.sample import Sample
from racro_eval.grading.verdict import Verdict
from racro_eval.scoring.values import numeric_value
from racro_eval.scoring.vlmevalkit import decided_verdict, needs_judge

TOLERANCE = Fraction(1, 1000)
_NUMBER = re.compile(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?(?:/[\d.]+)?")


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    text = _cut(response)
    if sample.rule == "text":
        return decided_verdict(
            text.lower() in sample.answer.lower(), text, "contained", sample.answer
        )
    if sample.rule == "choice":
        letter = _letter(text)
        if not letter:
            return needs_judge(response)
        return decided_verdict(letter == sample.answer, letter, "letter", sample.answer)
    value, expected = _number(text), numeric_value(sample.answer)
    if value is None or expected is None:
        return needs_judge(response)
    return decided_verdict(abs(value - expected) <= TOLERANCE, text, "number", sample.answer)


def _cut(response: str) -> str:
    first, last = response.find("{"), response.rfind("}")
    text = response[first : last + 1] if 0 <= first < last else response
    return text.replace("\\", "")


def _letter(text: str) -> str:
    """The text if it is one character, else the only letter of A to E in it, else ""."""
    upper = text.upper()
    if len(text) == 1:
        return upper
    letters = [letter for letter in "ABCDE" if letter in upper]
    return letters[0] if len(letters) == 1 else ""


def _number(text: str) -> Fraction | None:
    """The number before the first space of the text; None for anything else."""
    word = text.partition(" ")[0]
    return numeric_value(word) if _NUMBER.fullmatch(word) else None
