"""MATH-Vision: `dataset/utils/mathv.py`.

The released code calls eval() on the response; here the grader's own parser reads it. Equal are
texts but for case and outer spaces, and numbers that differ by less than 1e-6; two tuples are equal
as texts only, since eval() cannot subtract them.
"""

from __future__ import annotations

from fractions import Fraction

from racro_eval.data.sample import Sample
from racro_eval.grading.verdict import Verdict
from racro_eval.scoring.official.values import value_of
from racro_eval.scoring.vlmevalkit import decided, would_ask
from racro_eval.scoring.vlmevalkit.matcher import grade as grade_choice

TOLERANCE = Fraction(1, 10**6)


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    if sample.options:
        return grade_choice(response, sample)
    if is_equal(response, sample.answer):
        return decided(True, response.strip(), "prefetch", sample.answer)
    return would_ask(response)


def is_equal(answer: str, gold: str) -> bool:
    """Whether an answer is the gold one."""
    if answer.strip().lower() == gold.strip().lower():
        return True
    value, expected = value_of(answer), value_of(gold)
    return value is not None and expected is not None and abs(value - expected) < TOLERANCE
