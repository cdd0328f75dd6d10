"""Whether two formulas are the same function, by their values at some points.

The points are positive first, then of both signs. Variables that stand for integers (the bound of a
sum, the argument of a factorial, the exponent of a negative number) get small integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from racro_eval.grading.maths.numeric import Evaluation, TooBig, Undefined, Value, context
from racro_eval.grading.maths.points import draw_points
from racro_eval.grading.maths.terms import Term

DIGITS = 50
MORE_DIGITS = 120


class Outcome(Enum):
    """The outcome of comparing two formulas by their values."""

    same = 1
    """They agree wherever both have values."""
    opposite = 2
    """Of relations only: they agree, except for a negative factor."""
    different = 3
    unknown = 4
    """There is no point at which both have values."""


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of both formulas at one point.

    lossy: see `Evaluation`. largest: the largest summand, by absolute value.
    """

    left: Value
    right: Value
    lossy: bool
    largest: Value


def same_function(left: Term, right: Term) -> Outcome:
    """Whether two formulas have the same values; raises TooBig."""
    agreed = lossy = False
    for positive, point in _points(left, right):
        values = _values_at(left, right, point, DIGITS)
        if values is None:
            continue
        if _close(values, DIGITS) or (_tiny(values) and _still_close(left, right, point)):
            agreed, lossy = True, lossy or values.lossy
        elif positive or not agreed or not (values.left.imag and values.right.imag):
            return Outcome.different
        # Both are complex here but agreed on the reals: another branch of a root, not a mismatch.
    if lossy:
        raise TooBig
    return Outcome.same if agreed else Outcome.unknown


def same_up_to_factor(left: Term, right: Term) -> Outcome:
    """Whether left = k * right for a constant k; raises TooBig."""
    ctx = context(DIGITS)
    ratios = []
    for _, point in _points(left, right):
        values = _values_at(left, right, point, DIGITS)
        if values is None or values.lossy:
            continue
        if _close(
            _Values(values.left, values.right * 0, False, values.largest), DIGITS, values.largest
        ):
            continue
        if not values.right:
            return Outcome.different
        ratios.append(values.left / values.right)
    if len(ratios) < 2:
        return Outcome.unknown
    tolerance = ctx.mpf(10) ** (-DIGITS // 2)
    first = ratios[0]
    if first.imag or any(abs(ratio - first) > tolerance * abs(first) for ratio in ratios):
        return Outcome.different
    return Outcome.same if first.real > 0 else Outcome.opposite


def constant_value(term: Term) -> Fraction | None:
    """The real value of a formula without variables, to DIGITS digits; None if there is none."""
    if free_symbols(term):
        return None
    try:
        value = Evaluation({}, DIGITS).value(term)
    except (Undefined, TooBig):
        return None
    if value.imag and abs(value.imag) > abs(value.real) * context(DIGITS).mpf(10) ** -40:
        return None
    sign, mantissa, exponent, _ = value.real._mpf_
    if abs(exponent) > 20_000:
        return None
    size: Fraction = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -size if sign else size


def free_symbols(term: Term, bound: frozenset[str] = frozenset()) -> set[str]:
    """The names of the free variables; `bound` are the indices of the sums around the term."""
    if term.head == "symbol":
        return set() if term.name in bound else {term.name}
    if term.head in ("sum", "prod"):
        inner = free_symbols(term.parts[2], bound | {term.name})
        return inner | free_symbols(term.parts[0], bound) | free_symbols(term.parts[1], bound)
    return set().union(*(free_symbols(part, bound) for part in term.parts))


def _integer_symbols(term: Term) -> set[str]:
    """The variables that stand for integers."""
    names = set().union(*(_integer_symbols(part) for part in term.parts))
    if term.head in ("sum", "prod"):
        names |= free_symbols(term.parts[0]) | free_symbols(term.parts[1])
    elif term.head in ("!", "binom"):
        names |= free_symbols(term)
    elif term.head == "^" and _is_negative(term.parts[0]):
        names |= free_symbols(term.parts[1])
    return names


def _is_negative(term: Term) -> bool:
    return not free_symbols(term) and (constant_value(term) or Fraction(0)) < 0


def _points(left: Term, right: Term) -> Iterator[tuple[bool, dict[str, Fraction]]]:
    names = sorted(free_symbols(left) | free_symbols(right))
    integers = _integer_symbols(left) | _integer_symbols(right) if names else set()
    return draw_points(names, integers)


def _values_at(left: Term, right: Term, point: dict[str, Fraction], digits: int) -> _Values | None:
    evaluations = Evaluation(point, digits), Evaluation(point, digits)
    try:
        left_value, right_value = evaluations[0].value(left), evaluations[1].value(right)
    except Undefined:
        return None
    lossy = any(evaluation.lossy for evaluation in evaluations)
    return _Values(
        left_value, right_value, lossy, max(evaluation.largest for evaluation in evaluations)
    )


def _close(values: _Values, digits: int, scale: Value = 0) -> bool:
    scale = max(abs(values.left), abs(values.right), scale)
    return bool(abs(values.left - values.right) <= scale * context(digits).mpf(10) ** (10 - digits))


def _tiny(values: _Values) -> bool:
    """Whether the difference is so small that it may be a zero after cancellation."""
    floor = values.largest * context(DIGITS).mpf(10) ** (15 - DIGITS)
    return bool(abs(values.left - values.right) <= floor)


def _still_close(left: Term, right: Term, point: dict[str, Fraction]) -> bool:
    """Whether the difference shrinks when it is computed with more digits: then it is zero."""
    values = _values_at(left, right, point, MORE_DIGITS)
    if values is None:
        return False
    return _close(values, MORE_DIGITS) or _close(values, MORE_DIGITS, values.largest)
