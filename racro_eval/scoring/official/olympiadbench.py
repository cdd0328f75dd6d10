"""OlympiadBench: items in any order, numbers within the row's own tolerance.

A row's `error` is the tolerance of its numbers, one for all items or one for each; the default is
1e-8. A number also equals a hundred times and a hundredth of itself (percentages). Tuples,
intervals, equations and expressions are compared by the grader.

Source: arXiv 2402.14008, section 4; `auto_scoring_judge.py` of its repository.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from racro_eval.data.sample import Sample
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.comparison.normalize import normalize, within_budget
from racro_eval.grading.comparison.structure import MAX_ITEMS, split_top
from racro_eval.grading.verdict import Comparison, Verdict, decided
from racro_eval.scoring.official import decide
from racro_eval.scoring.values import numeric_value, python_float

_COMMA = re.compile(",")
_LEFT_SIDE = re.compile(
    r"^\s*\\?[A-Za-z]+(?:_(?:\w|\{[^{}]*\}))?'*(?:\([A-Za-z, ]*\))?\s*(?:=|≈|\\approx)"
)
_SLACK = Fraction(101, 100)
"""Factor on tolerances, as in the published code."""
_DEFAULT_TOLERANCE = Fraction(1, 10**8)


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response; the sample's meta has `unit` and `error`."""
    return decide(response, finish_reason, lambda answer: compare_answer(answer, sample))


def compare_answer(answer: str, sample: Sample) -> Comparison:
    """Compare an extracted answer with the gold one."""
    gold, unit = sample.answer, sample.meta.get("unit", "")
    tolerances = tolerances_of(sample.meta.get("error", ""))
    if not tolerances:
        comparison = compare(answer, gold)
        if comparison.equal:
            return comparison
    if not (within_budget(answer) and within_budget(gold)):
        return compare(answer, gold)
    numbers, gold_numbers = _numbers(answer, unit), _numbers(gold, unit)
    if numbers is None or gold_numbers is None:
        return compare(answer, gold)
    if len(tolerances) != len(gold_numbers):
        tolerances = (tolerances[:1] or [_DEFAULT_TOLERANCE]) * len(gold_numbers)
    return decided(_all_matched(numbers, gold_numbers, tolerances), "within-error", answer, gold)


def tolerances_of(text: str) -> list[Fraction]:
    """The tolerances in a row's `error`: "", "1e-1", or "0.1,0.01", with or without brackets."""
    values = (python_float(part.strip(" '\"")) for part in text.strip(" []").split(","))
    return [Fraction(str(value)) for value in values if value is not None]


@dataclass(frozen=True, slots=True)
class _Number:
    value: Fraction
    plain: bool
    """Whether it is a number literal; the published code reads only these as percentages."""


def _numbers(text: str, unit: str) -> list[_Number] | None:
    """The numbers in a list; None if an item is not a number."""
    numbers = []
    for item in split_top(normalize(text), _COMMA)[:MAX_ITEMS]:
        bare = _LEFT_SIDE.sub("", item).strip().removesuffix(normalize(unit))
        bare = bare.removesuffix("%").removesuffix("\\")
        for sign in ("+", "-") if r"\pm" in bare else ("",):
            signed = bare.replace(r"\pm", sign)
            value = numeric_value(signed)
            if value is None:
                return None
            numbers.append(_Number(value, python_float(signed) is not None))
    return numbers


def _all_matched(
    numbers: list[_Number], gold_numbers: list[_Number], tolerances: list[Fraction]
) -> bool:
    """Whether the numbers match the gold numbers one to one, in any order."""
    unmatched = list(numbers)
    for gold, tolerance in zip(gold_numbers, tolerances, strict=True):
        limit = tolerance * _SLACK
        match = next((number for number in unmatched if _is_near(number, gold, limit)), None)
        if match is None:
            return False
        unmatched.remove(match)
    return not unmatched


def _is_near(number: _Number, gold: _Number, tolerance: Fraction) -> bool:
    scales = (1, Fraction(1, 100), 100) if number.plain and gold.plain else (1,)
    return any(abs(gold.value * scale - number.value) <= tolerance for scale in scales)
