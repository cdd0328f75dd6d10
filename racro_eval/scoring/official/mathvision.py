"""MATH-Vision: the gold letter, its option's text, or the gold answer, to two decimals.

The grader's comparison, and beyond it numbers that agree when both are rounded to two decimals.
Source: arXiv 2402.14804; `evaluation/evaluate.py` and `evaluation/utils.py` of its repository.
"""

from __future__ import annotations

from dataclasses import replace

from racro_eval.data.sample import Sample
from racro_eval.grading import grader
from racro_eval.grading.comparison.choices import letters_of
from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.verdict import Status, Verdict
from racro_eval.scoring.official.values import rounded, value_of

PLACES = 2


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    verdict = grader.grade(response, sample, finish_reason=finish_reason)
    if verdict.status is not Status.incorrect:
        return verdict
    gold = sample.answer
    if sample.options:
        if letters_of(normalize(verdict.extracted)) is not None:
            return verdict
        gold = sample.options.get(gold, gold)
    value, expected = value_of(verdict.extracted), value_of(gold)
    if value is None or expected is None or rounded(value, PLACES) != rounded(expected, PLACES):
        return verdict
    method = f"{verdict.method.partition('/')[0]}/two-decimals"
    return replace(verdict, status=Status.correct, correct=True, method=method)
