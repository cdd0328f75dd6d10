"""Values of answers that are numbers, or formulas without variables."""

from __future__ import annotations

from fractions import Fraction

from racro_eval.grading.comparison.normalize import normalize, within_budget
from racro_eval.grading.maths.identity import constant_value
from racro_eval.grading.maths.numeric import TooBig
from racro_eval.grading.maths.rationals import rational
from racro_eval.grading.maths.syntax import read_formula
from racro_eval.grading.maths.tokens import NotFormula


def numeric_value(text: str) -> Fraction | None:
    """The value of `1/3`, `\\frac{\\sqrt3}{6}` or `2.5e3`; None for other texts. Never raises."""
    if not within_budget(text):
        return None
    formula = normalize(text)
    try:
        exact = rational(formula)
        return constant_value(read_formula(formula)) if exact is None else exact
    except (NotFormula, TooBig, RecursionError):
        return None


def round_half_even(value: Fraction, places: int) -> Fraction:
    """The value rounded to so many decimals, half to even as by Python."""
    return Fraction(round(value * 10**places), 10**places)


def python_float(text: str) -> float | None:
    """The value that Python's float() reads, as in published code; None for other texts."""
    try:
        value = float(text)
    except (ValueError, OverflowError):
        return None
    return value if abs(value) < 1e300 else None
