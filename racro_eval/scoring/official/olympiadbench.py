"""OlympiadBench: items in any order, numbers within the row's own error, else the grader's policy.

A row's `error` is the distance that its numbers may have, one for all items or one for each;
without one it is 1e-8. A number also equals a hundred times and a hundredth of itself (percent).
Tuples, intervals, equations and expressions are compared by the grader.
Source: arXiv 2402.14008, section 4; `auto_scoring_judge.py` of its repository.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from racro_eval.data.sample import Sample
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.comparison.normalize import normalize, within_budget
from racro_eval.grading.comparison.structure import split_top
from racro_eval.grading.verdict import Comparison, Verdict
from racro_eval.scoring.official import decide, decided
from racro_eval.scoring.official.values import plain_float, value_of

_COMMA = re.compile(",")
_LEFT_SIDE = re.compile(
    r"^\s*\\?[A-Za-z]+(?:_(?:\w|\{[^{}]*\}))?'*(?:\([A-Za-z, ]*\))?\s*(?:=|≈|\\approx)"
)
_SLACK = Fraction(101, 100)
_DEFAULT = Fraction(1, 10**8)
_MAX_ITEMS = 64


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response; the sample's meta has `unit` and `error`."""
    return decide(response, finish_reason, lambda answer: compare_answer(answer, sample))


def compare_answer(answer: str, sample: Sample) -> Comparison:
    """Compare an extracted answer with the gold one."""
    gold, unit = sample.answer, sample.meta.get("unit", "")
    errors = allowed_errors(sample.meta.get("error", ""))
    if not errors:
        outcome = compare(answer, gold)
        if outcome.equal:
            return outcome
    if not (within_budget(answer) and within_budget(gold)):
        return compare(answer, gold)
    given, wanted = _numbers(answer, unit), _numbers(gold, unit)
    if given is None or wanted is None:
        return compare(answer, gold)
    if len(errors) != len(wanted):
        errors = errors[:1] * len(wanted) or [_DEFAULT] * len(wanted)
    return decided(_all_matched(given, wanted, errors), "within-error", answer, gold)


def allowed_errors(text: str) -> list[Fraction]:
    """The distances in a row's `error`: "", "1e-1", or "0.1,0.01", with or without brackets."""
    values = (plain_float(part.strip(" '\"")) for part in text.strip(" []").split(","))
    return [Fraction(str(value)) for value in values if value is not None]


@dataclass(frozen=True, slots=True)
class _Number:
    value: Fraction
    plain: bool
    """Whether it is written in digits; the published code reads only those as percentages."""


def _numbers(text: str, unit: str) -> list[_Number] | None:
    """The numbers of a list of them; None if an item is no number."""
    numbers = []
    for item in split_top(normalize(text), _COMMA)[:_MAX_ITEMS]:
        bare = _LEFT_SIDE.sub("", item).strip().removesuffix(normalize(unit))
        bare = bare.removesuffix("%").removesuffix("\\")
        for sign in ("+", "-") if r"\pm" in bare else ("",):
            signed = bare.replace(r"\pm", sign)
            value = value_of(signed)
            if value is None:
                return None
            numbers.append(_Number(value, plain_float(signed) is not None))
    return numbers


def _all_matched(given: list[_Number], wanted: list[_Number], errors: list[Fraction]) -> bool:
    """Whether every gold number has an answer of its own, in any order."""
    unmatched = list(given)
    for gold, error in zip(wanted, errors, strict=True):
        near = next((number for number in unmatched if _near(number, gold, error * _SLACK)), None)
        if near is None:
            return False
        unmatched.remove(near)
    return not unmatched


def _near(number: _Number, gold: _Number, error: Fraction) -> bool:
    scales = (1, Fraction(1, 100), 100) if number.plain and gold.plain else (1,)
    return any(abs(gold.value * scale - number.value) <= error for scale in scales)
