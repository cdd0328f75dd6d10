"""MATH-Vision: the gold letter, the gold option's text, or the gold answer to two decimals.

This is the general grader's verdict; in addition, numbers are equal that round to the same two
decimals.

Source: arXiv 2402.14804; `evaluation/evaluate.py` and `evaluation/utils.py` of its repository.
"""

from __future__ import annotations

from dataclasses import replace

from racro_eval.data.sample import Sample
from racro_eval.grading import grader
from racro_eval.grading.comparison.choices import letters_of
from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.verdict import Status, Verdict
from racro_eval.scoring.values import numeric_value, round_half_even

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
    value, expected = numeric_value(verdict.extracted), numeric_value(gold)
    if value is None or expected is None:
        return verdict
    if round_half_even(value, PLACES) != round_half_even(expected, PLACES):
        return verdict
    method = f"{verdict.method.partition('/')[0]}/two-decimals"
    return replace(verdict, status=Status.correct, correct=True, method=method)
