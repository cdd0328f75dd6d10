"""The value of an answer that is a number or a formula without variables."""

from __future__ import annotations

from fractions import Fraction

from racro_eval.grading.comparison.normalize import normalize, within_budget
from racro_eval.grading.maths.identity import constant
from racro_eval.grading.maths.numeric import TooBig
from racro_eval.grading.maths.rationals import rational
from racro_eval.grading.maths.syntax import read_formula
from racro_eval.grading.maths.terms import NeedsAlgebra, NotFormula


def value_of(text: str) -> Fraction | None:
    """The value of `1/3`, `\\frac{\\sqrt3}{6}` or `2.5e3`; None if it has none. Never raises."""
    if not within_budget(text):
        return None
    bare = normalize(text)
    try:
        exact = rational(bare)
        return constant(read_formula(bare)) if exact is None else exact
    except (NeedsAlgebra, NotFormula, TooBig, RecursionError):
        return None


def rounded(value: Fraction, places: int) -> Fraction:
    """The value rounded half to even, as Python rounds."""
    return Fraction(round(value * 10**places), 10**places)


def plain_float(text: str) -> float | None:
    """What Python's float() reads, for the rules that published code states with it."""
    try:
        value = float(text)
    except (ValueError, OverflowError):
        return None
    return value if abs(value) < 1e300 else None
