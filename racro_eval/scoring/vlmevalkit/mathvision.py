"""MATH-Vision: `dataset/utils/mathv.py`.

The released code calls eval() on the response; here the grader's own parser reads it. Texts are
compared without case and outer spaces; numbers are equal if they differ by less than 1e-6. Tuples
are compared as texts, since eval() cannot subtract them.
"""

from __future__ import annotations

from fractions import Fraction

from racro_eval.data.sample import Sample
from racro_eval.grading.verdict import Verdict
from racro_eval.scoring.values import numeric_value
from racro_eval.scoring.vlmevalkit import decided_verdict, needs_judge
from racro_eval.scoring.vlmevalkit.matcher import grade as grade_choice

TOLERANCE = Fraction(1, 10**6)


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    if sample.options:
        return grade_choice(response, sample)
    if is_equal(response, sample.answer):
        return decided_verdict(True, response.strip(), "prefetch", sample.answer)
    return needs_judge(response)


def is_equal(answer: str, gold: str) -> bool:
    """Whether an answer equals the gold one."""
    if answer.strip().lower() == gold.strip().lower():
        return True
    value, expected = numeric_value(answer), numeric_value(gold)
    return value is not None and expected is not None and abs(value - expected) < TOLERANCE
