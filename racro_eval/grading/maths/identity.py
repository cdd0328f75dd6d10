"""Whether two formulas are the same function: their values at points drawn with a fixed seed.

Points are positive first, then of both signs; variables that count something (the bound of a
sum, an argument of a factorial, an exponent of a negative number) get small whole numbers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from racro_eval.grading.maths.numeric import Evaluation, TooBig, Undefined, Value, context
from racro_eval.grading.maths.terms import Term

POINTS = 6
DIGITS = 50
MORE_DIGITS = 120
_SEED = 20240711


class Answer(Enum):
    """same: the two agree wherever they have values; unknown: they have none to compare."""

    same = 1
    opposite = 2
    """Of relations only: the same but for a negative factor."""
    different = 3
    unknown = 4


@dataclass(frozen=True, slots=True)
class _At:
    """The values of both sides at one point."""

    left: Value
    right: Value
    lossy: bool
    largest: Value


def same_function(left: Term, right: Term) -> Answer:
    """Whether two formulas agree; raises TooBig."""
    agreed = lossy = False
    for positive, point in _points(left, right):
        at = _values(left, right, point, DIGITS)
        if at is None:
            continue
        if _close(at, DIGITS) or (_tiny(at) and _still_close(left, right, point)):
            agreed, lossy = True, lossy or at.lossy
        elif positive or not agreed or not (at.left.imag and at.right.imag):
            return Answer.different
        # Both left the reals after agreeing on them: another branch of a root, no mismatch.
    if lossy:
        raise TooBig
    return Answer.same if agreed else Answer.unknown


def same_up_to_factor(left: Term, right: Term) -> Answer:
    """Whether left = k * right for a constant k; raises TooBig."""
    ctx = context(DIGITS)
    ratios = []
    for _, point in _points(left, right):
        at = _values(left, right, point, DIGITS)
        if at is None or at.lossy:
            continue
        if _close(_At(at.left, at.right * 0, False, at.largest), DIGITS, at.largest):
            continue
        if not at.right:
            return Answer.different
        ratios.append(at.left / at.right)
    if len(ratios) < 2:
        return Answer.unknown
    tolerance = ctx.mpf(10) ** (-DIGITS // 2)
    first = ratios[0]
    if first.imag or any(abs(ratio - first) > tolerance * abs(first) for ratio in ratios):
        return Answer.different
    return Answer.same if first.real > 0 else Answer.opposite


def constant(term: Term) -> Fraction | None:
    """The real value of a formula without variables, to DIGITS digits; None if it has none."""
    if symbols(term):
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


def symbols(term: Term, bound: frozenset[str] = frozenset()) -> set[str]:
    """The names of the free variables."""
    if term.head == "symbol":
        return set() if term.name in bound else {term.name}
    if term.head in ("sum", "prod"):
        inner = symbols(term.parts[2], bound | {term.name})
        return inner | symbols(term.parts[0], bound) | symbols(term.parts[1], bound)
    return set().union(*(symbols(part, bound) for part in term.parts))


def _whole(term: Term) -> set[str]:
    """The variables that stand for whole numbers."""
    names = set().union(*(_whole(part) for part in term.parts))
    if term.head in ("sum", "prod"):
        names |= symbols(term.parts[0]) | symbols(term.parts[1])
    elif term.head in ("!", "binom"):
        names |= symbols(term)
    elif term.head == "^" and _negative(term.parts[0]):
        names |= symbols(term.parts[1])
    return names


def _negative(term: Term) -> bool:
    return not symbols(term) and (constant(term) or Fraction(0)) < 0


def _points(left: Term, right: Term) -> Iterator[tuple[bool, dict[str, Fraction]]]:
    names = sorted(symbols(left) | symbols(right))
    whole = _whole(left) | _whole(right) if names else set()
    generator = random.Random(_SEED)
    for number in range(POINTS if names else 1):
        positive = number < POINTS // 2
        point = {}
        for name in names:
            sign = 1 if positive else generator.choice((-1, -1, 1))
            drawn = Fraction(sign * generator.randint(300, 4000), 997)
            point[name] = Fraction(generator.randint(1, 9)) if name in whole else drawn
        yield positive, point


def _values(left: Term, right: Term, point: dict[str, Fraction], digits: int) -> _At | None:
    evaluations = Evaluation(point, digits), Evaluation(point, digits)
    try:
        one, two = evaluations[0].value(left), evaluations[1].value(right)
    except Undefined:
        return None
    lossy = any(evaluation.lossy for evaluation in evaluations)
    return _At(one, two, lossy, max(evaluation.largest for evaluation in evaluations))


def _close(at: _At, digits: int, scale: Value = 0) -> bool:
    scale = max(abs(at.left), abs(at.right), scale)
    return bool(abs(at.left - at.right) <= scale * context(digits).mpf(10) ** (10 - digits))


def _tiny(at: _At) -> bool:
    """Whether what is left of the values is what cancellation may leave of a zero."""
    floor = at.largest * context(DIGITS).mpf(10) ** (15 - DIGITS)
    return bool(abs(at.left - at.right) <= floor)


def _still_close(left: Term, right: Term, point: dict[str, Fraction]) -> bool:
    """Whether a difference shrinks as digits are added: then it is zero."""
    at = _values(left, right, point, MORE_DIGITS)
    if at is None:
        return False
    return _close(at, MORE_DIGITS) or _close(at, MORE_DIGITS, at.largest)
