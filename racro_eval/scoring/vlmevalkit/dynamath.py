"""DynaMath: `dataset/dynamath.py` as of March 2025.

The response is cut to the span from the first "{" to the last "}", and loses its backslashes; the
JSON it was meant for is never read, because of a misspelt name. A boxed number then keeps its
braces and goes to the judge. A text is right if it is contained in the gold answer, which a boxed
one never is and an empty one always.
"""

from __future__ import annotations

import re
from fractions import Fraction

from racro_eval.data.sample import Sample
from racro_eval.grading.verdict import Verdict
from racro_eval.scoring.official.values import value_of
from racro_eval.scoring.vlmevalkit import decided, would_ask

TOLERANCE = Fraction(1, 1000)
_NUMBER = re.compile(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?(?:/[\d.]+)?")


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    text = _cut(response)
    if sample.rule == "text":
        return decided(text.lower() in sample.answer.lower(), text, "contained", sample.answer)
    if sample.rule == "choice":
        letter = _letter(text)
        if not letter:
            return would_ask(response)
        return decided(letter == sample.answer, letter, "letter", sample.answer)
    value, expected = _number(text), value_of(sample.answer)
    if value is None or expected is None:
        return would_ask(response)
    return decided(abs(value - expected) <= TOLERANCE, text, "number", sample.answer)


def _cut(response: str) -> str:
    first, last = response.find("{"), response.rfind("}")
    text = response[first : last + 1] if 0 <= first < last else response
    return text.replace("\\", "")


def _letter(text: str) -> str:
    """A single character, or the only one of A to E that occurs anywhere; else ""."""
    upper = text.upper()
    if len(text) == 1:
        return upper
    letters = [letter for letter in "ABCDE" if letter in upper]
    return letters[0] if len(letters) == 1 else ""


def _number(text: str) -> Fraction | None:
    """The number that the text starts with, up to its first space."""
    word = text.partition(" ")[0]
    return value_of(word) if _NUMBER.fullmatch(word) else None
