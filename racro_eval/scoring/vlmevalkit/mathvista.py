"""MathVista: `dataset/utils/mathvista.py`.

A whole response that is a choice or the very number is accepted without a judge. `check` is also
the rule on what the judge extracts: "14.0" is no integer, a float must be exact whatever the row's
precision, and a list row compares its gold with nothing, so that it is never right.
"""

from __future__ import annotations

from racro_eval.data.sample import Sample
from racro_eval.grading.rules import parse_rule
from racro_eval.grading.verdict import Verdict
from racro_eval.scoring.official.values import plain_float
from racro_eval.scoring.vlmevalkit import decided, would_ask
from racro_eval.scoring.vlmevalkit.matcher import can_infer
from racro_eval.scoring.vlmevalkit.matcher import grade as grade_choice


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    if sample.options:
        return grade_choice(response, sample)
    if check(response, sample):
        return decided(True, response.strip(), "prefetch", sample.answer)
    return would_ask(response)


def check(extracted: str, sample: Sample) -> bool:
    """Whether an extracted answer is right."""
    if sample.options:
        return can_infer(extracted, sample.options) == sample.answer
    kind = parse_rule(sample.rule or "math").kind
    if kind == "integer":
        return _whole_number(extracted) == _whole_number(sample.answer) is not None
    if kind == "float":
        return plain_float(extracted) == plain_float(sample.answer) is not None
    return False


def _whole_number(text: str) -> int | None:
    try:
        return int(text[:2000])
    except ValueError:
        return None
