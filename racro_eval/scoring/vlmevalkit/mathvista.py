"""MathVista: `dataset/utils/mathvista.py`.

A response that consists of a choice or of the gold number needs no judge. `check` is also applied
to what the judge extracts: "14.0" is not an integer, a float must be exact whatever the row's
precision is, and the answer of a list row is never correct, because nothing is compared with the
gold list.
"""

from __future__ import annotations

from racro_eval.data.sample import Sample
from racro_eval.grading.rules import parse_rule
from racro_eval.grading.verdict import Verdict
from racro_eval.scoring.values import python_float
from racro_eval.scoring.vlmevalkit import decided_verdict, needs_judge
from racro_eval.scoring.vlmevalkit.matcher import can_infer
from racro_eval.scoring.vlmevalkit.matcher import grade as grade_choice


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    if sample.options:
        return grade_choice(response, sample)
    if check(response, sample):
        return decided_verdict(True, response.strip(), "prefetch", sample.answer)
    return needs_judge(response)


def check(extracted: str, sample: Sample) -> bool:
    """Whether an extracted answer is correct."""
    if sample.options:
        return can_infer(extracted, sample.options) == sample.answer
    kind = parse_rule(sample.rule or "math").kind
    if kind == "integer":
        return _whole_number(extracted) == _whole_number(sample.answer) is not None
    if kind == "float":
        return python_float(extracted) == python_float(sample.answer) is not None
    return False


def _whole_number(text: str) -> int | None:
    try:
        return int(text[:2000])
    except ValueError:
        return None
