"""Two numbers or formulas: exact rationals, rounding under the policy, then a sympy worker."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from racro_eval.grading.rationals import decimal_places, rational, significant_digits
from racro_eval.grading.words import is_words

# One answer may need many symbolic comparisons (a list in any order): this is for all of them.
SECONDS = 2.0
_NOISE = Fraction(1, 10**9)
_CLOSED_FORM_DIGITS = 6
_PI_DIGITS = 3

_SAFE = re.compile(r"(?:\\[a-zA-Z]+|[A-Za-z0-9\s.+\-*/^_!(){}\[\]|,=<>])+")
_KNOWN_COMMAND = re.compile(
    r"frac|sqrt|pi|(?:arc)?(?:sin|cos|tan)h?|cot|sec|csc|log|ln|lg|exp|sum|prod|binom|choose|int"
    r"|lim|to|infty|cdot|ldots|[lr]floor|[lr]ceil|max|min|alpha|beta|[gG]amma|[dD]elta|epsilon"
    r"|varepsilon|zeta|eta|[tT]heta|vartheta|iota|kappa|[lL]ambda|mu|nu|[xX]i|rho|[sS]igma|tau"
    r"|[uU]psilon|[pP]hi|varphi|chi|[pP]si|[oO]mega|hbar|ell"
)
# gcd(a, b) has commas; a list of items that was too long to read is no formula.
_MAX_ARGUMENTS = 8
# Powers of powers of powers and factorials of factorials are beyond any arithmetic.
_TOWER = re.compile(r"\^\{[^{}]*\^\{[^{}]*\^|!\)*!\)*!|\d{7,}!")
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


class Formulas:
    """Compares formulas within one time limit; `method` names what decided last."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.method = "string"
        self._seconds = SECONDS

    def same(self, left: str, right: str) -> bool:
        """Whether the prediction `left` equals the gold `right`; may raise WorkerTimeout."""
        self.method = "number"
        if left == right:
            return True
        values = rational(left), rational(right)
        if values[0] is not None and values[1] is not None:
            return self._numbers(left, values[0], right, values[1])
        self.method = "sympy"
        if not (_sendable(left) and _sendable(right)):
            self.method = "string"
            spaced = re.search(r"\d\s+\d", left + "," + right)
            return not spaced and left.replace(" ", "") == right.replace(" ", "")
        reply = self._ask("equal", left, right)
        if reply["verdict"] == "equal":
            return True
        return self._rounded(left, right, reply["values"])

    def _numbers(self, left: str, value: Fraction, right: str, gold: Fraction) -> bool:
        if value == gold:
            return True
        shown, wanted = decimal_places(left), decimal_places(right)
        if self.rule == "integer":
            return False
        if self.rule == "float":
            return _round(value, wanted or 0) == gold
        decimal = shown is not None or wanted is not None
        if decimal and abs(value - gold) <= _NOISE * abs(gold):
            return True
        if wanted is not None:
            longer = shown is None or shown > wanted
            return longer and _round(value, wanted) == gold
        enough = shown is not None and significant_digits(left) >= _CLOSED_FORM_DIGITS
        return enough and shown is not None and _round(gold, shown) == value

    def _rounded(self, left: str, right: str, values: list[str | None]) -> bool:
        """A closed form against a decimal, by rounding to the decimal's digits."""
        if self.rule == "integer":
            return False
        exact, decimal = (values[0], right) if rational(right) is not None else (values[1], left)
        number = rational(decimal)
        if exact is None or number is None:
            return False
        places = decimal_places(decimal)
        if decimal is left:
            pi = r"\pi" in right
            if significant_digits(left) < (_PI_DIGITS if pi else _CLOSED_FORM_DIGITS):
                return False
            places = 0 if places is None and pi else places
        return places is not None and _round(Fraction(exact), places) == number

    def proportional(self, left: tuple[str, str, str], right: tuple[str, str, str]) -> bool:
        """Whether two relations (left side, operator, right side) are the same but for a factor."""
        sides = [f"({relation[0]})-({relation[2]})" for relation in (left, right)]
        operators = left[1], right[1]
        if not all(op in _FLIPPED for op in operators) or not all(map(_sendable, sides)):
            return False
        reply = self._ask("factor", sides[0], sides[1])
        expected = operators[0] if reply.get("factor") == 1 else _FLIPPED[operators[0]]
        return reply["verdict"] == "equal" and expected == operators[1]

    def _ask(self, operation: str, left: str, right: str) -> dict[str, Any]:
        from racro_eval.grading import workers

        self.method = "sympy"
        if self._seconds <= 0:
            raise workers.WorkerTimeout
        request = {"op": operation, "left": _latex(left), "right": _latex(right)}
        reply = workers.ask(request, self._seconds)
        # Only the worker's own time counts: a busy machine must not change a verdict.
        self._seconds -= reply["seconds"]
        if reply["verdict"] == "too-big":
            raise workers.WorkerTimeout
        return reply


def _latex(text: str) -> str:
    text = re.sub(r"_\{\\([a-zA-Z]+)\}", r"_{\1}", text)
    return re.sub(r"(\d+(?:\.\d+)?|\)|\})°", r"\1*\\frac{\\pi}{180}", text)


def _sendable(text: str) -> bool:
    """Only plain mathematics goes to the symbolic parser."""
    text = _latex(text)
    if not _SAFE.fullmatch(text) or re.search(r"\d\s+\d|[-+*/^_=(,]$", text) or is_words(text):
        return False
    if text.count(",") > _MAX_ARGUMENTS or _TOWER.search(text):
        return False
    balanced = all(text.count(a) == text.count(b) for a, b in ("{}", "()", "[]"))
    return balanced and all(map(_KNOWN_COMMAND.fullmatch, re.findall(r"\\([a-zA-Z]+)", text)))


def _round(value: Fraction, places: int) -> Fraction:
    """Half away from zero, as at school."""
    scale = Fraction(10) ** places
    units = (abs(value) * scale + Fraction(1, 2)).__floor__()
    return Fraction(units if value >= 0 else -units) / scale
