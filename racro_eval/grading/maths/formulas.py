"""Two numbers or formulas: exact rationals, then values at points, then a sympy worker."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from racro_eval.grading.maths import workers
from racro_eval.grading.maths.identity import Answer, constant, same_function, same_up_to_factor
from racro_eval.grading.maths.rationals import decimal_places, rational, significant_digits
from racro_eval.grading.maths.syntax import read_formula
from racro_eval.grading.maths.terms import NeedsAlgebra, NotFormula
from racro_eval.grading.rules import Rule

_NOISE = Fraction(1, 10**9)
_DOUBLE_NOISE = Fraction(1, 10**14)
_DOUBLE_DIGITS = 15
_CLOSED_FORM_DIGITS = 6
_PI_DIGITS = 3
# Every pair of a list in any order is compared: this many formulas are enough for any answer.
_MAX_COMPARISONS = 400

_SAFE = re.compile(r"(?:\\[a-zA-Z]++|[A-Za-z0-9\s.+\-*/^_!(){}\[\]|,=<>])+")
# Powers of powers of powers and factorials of factorials are beyond any arithmetic.
_TOWER = re.compile(
    r"\^\{[^{}]*\^\{[^{}]*\^|!\)*!\)*!|\d{7,}!|\d{6,}\}?\s*(?:\\[a-zA-Z]|[a-zA-Z(])"
)
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


class Formulas:
    """Compares formulas within one time limit; `method` names what decided last."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.method = "string"
        # One answer may need many symbolic comparisons (a list in any order): this is for all.
        self._seconds = workers.SECONDS
        self._comparisons = 0

    def same(self, left: str, right: str) -> bool:
        """Whether the prediction `left` equals the gold `right`.

        Raises TooBig, or WorkerTimeout or WorkerDied where only sympy could tell.
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
            one, two = read_formula(left), read_formula(right)
        except NeedsAlgebra:
            return self._symbolically(left, right)
        except NotFormula:
            return self._as_written(left, right)
        self.method = "identity"
        if same_function(one, two) is Answer.same:
            return True
        if values == (None, None):
            return False
        value = constant(one) if values[0] is None else values[0]
        gold = constant(two) if values[1] is None else values[1]
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
            exact if exact is not None else _told(told)
            for exact, told in zip((rational(left), rational(right)), reply["values"], strict=True)
        )
        return self._rounded(left, value, right, gold)

    def _numbers(self, left: str, value: Fraction, right: str, gold: Fraction) -> bool:
        if value == gold:
            return True
        if self.rule.kind == "integer":
            return False
        shown, wanted = decimal_places(left), decimal_places(right)
        if self.rule.kind == "float":
            return self._as_float(value, gold, wanted)
        decimal = shown is not None or wanted is not None
        if decimal and abs(value - gold) <= _NOISE * abs(gold):
            return True
        if wanted is not None:
            longer = shown is None or shown > wanted
            return longer and _round(value, wanted) == gold
        enough = shown is not None and significant_digits(left) >= _CLOSED_FORM_DIGITS
        return enough and shown is not None and _round(gold, shown) == value

    def _as_float(self, value: Fraction, gold: Fraction, wanted: int | None) -> bool:
        if self.rule.tolerance is not None:
            return abs(value - gold) <= self.rule.tolerance
        if self.rule.places is not None:
            return _round(value, self.rule.places) == _round(gold, self.rule.places)
        return _round(value, wanted or 0) == gold

    def _rounded(
        self, left: str, value: Fraction | None, right: str, gold: Fraction | None
    ) -> bool:
        """A closed form against a decimal, by rounding to the decimal's digits."""
        if value is None or gold is None or self.rule.kind == "integer":
            return False
        if self.rule.kind == "float":
            return self._as_float(value, gold, decimal_places(right))
        decimal = right if rational(right) is not None else left
        if significant_digits(decimal) >= _DOUBLE_DIGITS and decimal_places(decimal) is not None:
            # A printed double is off by a unit of its last digit.
            return abs(value - gold) <= _DOUBLE_NOISE * abs(gold)
        if rational(right) is not None:
            places = decimal_places(right)
            return places is not None and _round(value, places) == gold
        pi = r"\pi" in right
        if significant_digits(left) < (_PI_DIGITS if pi else _CLOSED_FORM_DIGITS):
            return False
        shown = decimal_places(left)
        places = 0 if shown is None and pi else shown
        return places is not None and _round(gold, places) == value

    def proportional(self, left: tuple[str, str, str], right: tuple[str, str, str]) -> bool:
        """Whether two relations (left side, operator, right side) are the same but for a factor."""
        operators = left[1], right[1]
        if not all(operator in _FLIPPED for operator in operators):
            return False
        sides = [f"({relation[0]})-({relation[2]})" for relation in (left, right)]
        self.method = "identity"
        try:
            answer = same_up_to_factor(*map(read_formula, sides))
        except NeedsAlgebra:
            answer = self._factor(sides)
        except NotFormula:
            self.method = "string"
            return left == right
        expected = operators[0] if answer is Answer.same else _FLIPPED[operators[0]]
        return answer in (Answer.same, Answer.opposite) and expected == operators[1]

    def _factor(self, sides: list[str]) -> Answer:
        if not all(map(_sendable, sides)):
            return Answer.unknown
        reply = self._ask("factor", *sides)
        if reply["verdict"] != "equal":
            return Answer.different
        return Answer.same if reply["factor"] == 1 else Answer.opposite

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


def _told(value: str | None) -> Fraction | None:
    """A value that the worker printed; None for one too big or small to hold exactly."""
    plain = value is not None and re.fullmatch(r"-?[\d.]+(?:[eE][-+]?\d{1,4})?", value)
    return Fraction(value) if value is not None and plain else None


def _constant_of_integration(left: str, right: str) -> str:
    """Call the prediction's constant C where the gold's is: `x^2+c`, `x^2+k`."""
    if not right.endswith("+C") or "C" in left or not re.search(r"\+[ckK]$", left):
        return left
    return left if re.search(rf"(?<![a-zA-Z\\]){left[-1]}", left[:-1]) else left[:-1] + "C"


def _latex(text: str) -> str:
    text = re.sub(r"_\{\\([a-zA-Z]+)\}", r"_{\1}", text)
    return re.sub(r"(\d+(?:\.\d+)?|\)|\})°", r"\1*\\frac{\\pi}{180}", text)


def _sendable(text: str) -> bool:
    """Only plain mathematics goes to the symbolic parser."""
    text = _latex(text)
    if not _SAFE.fullmatch(text) or re.search(r"\d\s+\d|[-+*/^_=(,]$", text):
        return False
    balanced = all(text.count(a) == text.count(b) for a, b in ("{}", "()", "[]"))
    return balanced and not _TOWER.search(text)


def _round(value: Fraction, places: int) -> Fraction:
    """Half away from zero, as at school."""
    scale = Fraction(10) ** places
    units = (abs(value) * scale + Fraction(1, 2)).__floor__()
    return Fraction(units if value >= 0 else -units) / scale
