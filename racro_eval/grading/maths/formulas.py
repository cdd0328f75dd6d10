"""Compares two numbers or formulas: exact rationals first, then values at points, then sympy."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from racro_eval.grading.maths import workers
from racro_eval.grading.maths.identity import (
    Outcome,
    constant_value,
    same_function,
    same_up_to_factor,
)
from racro_eval.grading.maths.rationals import decimal_places, rational, significant_digits
from racro_eval.grading.maths.syntax import read_formula
from racro_eval.grading.maths.tokens import NeedsAlgebra, NotFormula
from racro_eval.grading.rules import AnswerRule

_NOISE = Fraction(1, 10**9)
_DOUBLE_NOISE = Fraction(1, 10**14)
_DOUBLE_DIGITS = 15
_CLOSED_FORM_DIGITS = 6
_PI_DIGITS = 3
_MAX_COMPARISONS = 400
"""Limit for one answer: lists in any order are compared pair by pair."""

_SAFE = re.compile(r"(?:\\[a-zA-Z]++|[A-Za-z0-9\s.+\-*/^_!(){}\[\]|,=<>])+")
# Towers of powers and factorials of factorials are too big to compute.
_TOWER = re.compile(
    r"\^\{[^{}]*\^\{[^{}]*\^|!\)*!\)*!|\d{7,}!|\d{6,}\}?\s*(?:\\[a-zA-Z]|[a-zA-Z(])"
)
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


class Formulas:
    """Compares formulas within one time limit; `method` names the comparison that decided last."""

    def __init__(self, rule: AnswerRule) -> None:
        self.rule = rule
        self.method = "string"
        # For all symbolic comparisons of one answer: a list in any order may need many.
        self._seconds = workers.SECONDS
        self._comparisons = 0

    def same(self, left: str, right: str) -> bool:
        """Whether the prediction `left` equals the gold `right`.

        Raises TooBig, or WorkerTimeout or WorkerDied if only sympy could decide.
        """
        self.method = "number"
        left, right = left.removeprefix("+"), right.removeprefix("+")
        if left == right:
            return True
        values = rational(left), rational(right)
        if values[0] is not None and values[1] is not None:
            return self._numbers(left, values[0], right, values[1])
        if not self._within_comparisons():
            return False
        left = _constant_of_integration(left, right)
        try:
            left_term, right_term = read_formula(left), read_formula(right)
        except NeedsAlgebra:
            return self._symbolically(left, right)
        except NotFormula:
            return self._as_written(left, right)
        self.method = "identity"
        if same_function(left_term, right_term) is Outcome.same:
            return True
        if values == (None, None):
            return False
        value = constant_value(left_term) if values[0] is None else values[0]
        gold = constant_value(right_term) if values[1] is None else values[1]
        return self._rounded(left, value, right, gold)

    def _within_comparisons(self) -> bool:
        self._comparisons += 1
        return self._comparisons <= _MAX_COMPARISONS

    def _as_written(self, left: str, right: str) -> bool:
        self.method = "string"
        spaced = re.search(r"\d\s+\d", left + "," + right)
        return not spaced and left.replace(" ", "") == right.replace(" ", "")

    def _symbolically(self, left: str, right: str) -> bool:
        if not (_sendable(left) and _sendable(right)):
            return self._as_written(left, right)
        reply = self._ask("equal", left, right)
        if reply["verdict"] == "equal":
            return True
        value, gold = (
            exact if exact is not None else _parsed_value(printed)
            for exact, printed in zip(
                (rational(left), rational(right)), reply["values"], strict=True
            )
        )
        return self._rounded(left, value, right, gold)

    def _numbers(self, left: str, value: Fraction, right: str, gold: Fraction) -> bool:
        if value == gold:
            return True
        if self.rule.kind == "integer":
            return False
        places, gold_places = decimal_places(left), decimal_places(right)
        if self.rule.kind == "float":
            return self._as_float(value, gold, gold_places)
        is_decimal = places is not None or gold_places is not None
        if is_decimal and abs(value - gold) <= _NOISE * abs(gold):
            return True
        if gold_places is not None:
            more_precise = places is None or places > gold_places
            return more_precise and _round_half_away(value, gold_places) == gold
        precise = places is not None and significant_digits(left) >= _CLOSED_FORM_DIGITS
        return precise and places is not None and _round_half_away(gold, places) == value

    def _as_float(self, value: Fraction, gold: Fraction, gold_places: int | None) -> bool:
        if self.rule.tolerance is not None:
            return abs(value - gold) <= self.rule.tolerance
        if self.rule.places is not None:
            return _round_half_away(value, self.rule.places) == _round_half_away(
                gold, self.rule.places
            )
        return _round_half_away(value, gold_places or 0) == gold

    def _rounded(
        self, left: str, value: Fraction | None, right: str, gold: Fraction | None
    ) -> bool:
        """Compare a closed form with a decimal, by rounding to the decimal's digits."""
        if value is None or gold is None or self.rule.kind == "integer":
            return False
        if self.rule.kind == "float":
            return self._as_float(value, gold, decimal_places(right))
        decimal = right if rational(right) is not None else left
        if significant_digits(decimal) >= _DOUBLE_DIGITS and decimal_places(decimal) is not None:
            # The last digit of a printed double may be off by one.
            return abs(value - gold) <= _DOUBLE_NOISE * abs(gold)
        if rational(right) is not None:
            places = decimal_places(right)
            return places is not None and _round_half_away(value, places) == gold
        has_pi = r"\pi" in right
        if significant_digits(left) < (_PI_DIGITS if has_pi else _CLOSED_FORM_DIGITS):
            return False
        places = decimal_places(left)
        places = 0 if places is None and has_pi else places
        return places is not None and _round_half_away(gold, places) == value

    def proportional(self, left: tuple[str, str, str], right: tuple[str, str, str]) -> bool:
        """Whether two relations (left side, operator, right side) are equal up to a factor."""
        operators = left[1], right[1]
        if not all(operator in _FLIPPED for operator in operators):
            return False
        sides = [f"({relation[0]})-({relation[2]})" for relation in (left, right)]
        self.method = "identity"
        try:
            outcome = same_up_to_factor(*map(read_formula, sides))
        except NeedsAlgebra:
            outcome = self._factor(sides)
        except NotFormula:
            self.method = "string"
            return left == right
        expected = operators[0] if outcome is Outcome.same else _FLIPPED[operators[0]]
        return outcome in (Outcome.same, Outcome.opposite) and expected == operators[1]

    def _factor(self, sides: list[str]) -> Outcome:
        if not all(map(_sendable, sides)):
            return Outcome.unknown
        reply = self._ask("factor", *sides)
        if reply["verdict"] != "equal":
            return Outcome.different
        return Outcome.same if reply["factor"] == 1 else Outcome.opposite

    def _ask(self, operation: str, left: str, right: str) -> dict[str, Any]:
        self.method = "sympy"
        if self._seconds <= workers.LEAST_SECONDS:
            raise workers.WorkerTimeout
        request = {"op": operation, "left": _latex(left), "right": _latex(right)}
        reply = workers.ask(request, self._seconds)
        self._seconds -= reply["seconds"]
        if reply["verdict"] == "too-big":
            raise workers.WorkerTimeout
        return reply


def _parsed_value(value: str | None) -> Fraction | None:
    """A value that the worker printed; None if it is too big or small for an exact fraction."""
    plain = value is not None and re.fullmatch(r"-?[\d.]+(?:[eE][-+]?\d{1,4})?", value)
    return Fraction(value) if value is not None and plain else None


def _constant_of_integration(left: str, right: str) -> str:
    """Rename the constant of integration of a prediction (`x^2+c`, `x^2+k`) to the gold's C."""
    if not right.endswith("+C") or "C" in left or not re.search(r"\+[ckK]$", left):
        return left
    return left if re.search(rf"(?<![a-zA-Z\\]){left[-1]}", left[:-1]) else left[:-1] + "C"


def _latex(text: str) -> str:
    text = re.sub(r"_\{\\([a-zA-Z]+)\}", r"_{\1}", text)
    return re.sub(r"(\d+(?:\.\d+)?|\)|\})°", r"\1*\\frac{\\pi}{180}", text)


def _sendable(text: str) -> bool:
    """Whether a text is plain mathematics, which alone is sent to the symbolic parser."""
    text = _latex(text)
    if not _SAFE.fullmatch(text) or re.search(r"\d\s+\d|[-+*/^_=(,]$", text):
        return False
    balanced = all(text.count(a) == text.count(b) for a, b in ("{}", "()", "[]"))
    return balanced and not _TOWER.search(text)


def _round_half_away(value: Fraction, places: int) -> Fraction:
    """A value rounded to so many decimals, half away from zero as in schools."""
    scale = Fraction(10) ** places
    units = (abs(value) * scale + Fraction(1, 2)).__floor__()
    return Fraction(units if value >= 0 else -units) / scale
