"""Exact values of plain numbers and of arithmetic between them, without a CAS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

MAX_BITS = 16_000
MAX_FACTORIAL = 1000
MAX_EXPONENT = 4000

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+(?![\d.]))?)"
    r"|(?P<frac>\\frac)|(?P<mark>[-+*/^!(){}]))(?P<space>\s*)"
)
_DECIMAL = re.compile(
    r"[-+]?(?P<mantissa>\d+\.\d+|\.\d+|\d+)"
    r"(?:[eE](?P<e>[-+]?\d{1,4})|\*?\(?10\^\{(?P<ten>[-+]?\d{1,4})\}\)?)?"
)


class _NotRational(Exception):
    """The text is no arithmetic between numbers, or its value is too big to hold."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def rational(text: str) -> Fraction | None:
    """The exact value of normalised `text` such as `3\\frac{1}{2}`, `2^{10}-1` or `1.5*10^{3}`.

    None when it holds anything but numbers and + - * / ^ ! or is too big.
    """
    try:
        return _Reader(_tokens(text)).value()
    except (_NotRational, ZeroDivisionError, ValueError, RecursionError):
        return None


def decimal_places(text: str) -> int | None:
    """How many decimals a decimal literal shows (`4.20` → 2, `6.6*10^{-3}` → 4), else None.

    A negative count says that the last digit shown stands left of the units.
    """
    match = _DECIMAL.fullmatch(text.replace(" ", ""))
    if match is None:
        return None
    exponent = match["e"] or match["ten"]
    if "." not in match["mantissa"] and exponent is None:
        return None
    shown = len(match["mantissa"].partition(".")[2])
    return shown - int(exponent or 0)


def significant_digits(text: str) -> int:
    """Number of significant digits of a decimal literal."""
    match = _DECIMAL.fullmatch(text.replace(" ", ""))
    return len(match["mantissa"].replace(".", "").lstrip("0")) if match else 0


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _NotRational
        at = match.end()
        kind = match.lastgroup if match.lastgroup != "space" else ""
        kind = "number" if match["number"] else "frac" if match["frac"] else match["mark"]
        tokens.append(_Token(kind, match["number"] or kind))
    return tokens


class _Reader:
    """Recursive descent over the tokens; nesting is bounded by the caller's budget."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens, self.at = tokens, 0

    def value(self) -> Fraction:
        result = self._sum()
        if self.at != len(self.tokens):
            raise _NotRational
        return result

    def _kind(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def _take(self, kind: str = "") -> _Token:
        if self.at >= len(self.tokens) or (kind and self._kind() != kind):
            raise _NotRational
        self.at += 1
        return self.tokens[self.at - 1]

    def _sum(self) -> Fraction:
        result = self._product()
        while self._kind() in ("+", "-"):
            sign = -1 if self._take().kind == "-" else 1
            result += sign * self._product()
        return result

    def _product(self) -> Fraction:
        result, literal = self._signed()
        while True:
            kind = self._kind()
            if kind in ("*", "/"):
                self._take()
                factor, literal = self._signed()
                result = result * factor if kind == "*" else result / factor
            elif kind == "frac" and literal and result.denominator == 1:
                fraction, literal = self._power()
                # 3\frac{1}{2} is a mixed number; 3\frac{5}{2} is a product.
                mixed = 0 < fraction < 1
                sign = -1 if result < 0 else 1
                result = result + sign * fraction if mixed else result * fraction
            elif kind in ("(", "{", "frac") or (kind == "number" and not literal):
                factor, literal = self._power()
                result *= factor
            else:
                return self._bounded(result)

    def _signed(self) -> tuple[Fraction, bool]:
        if self._kind() in ("+", "-"):
            sign = -1 if self._take().kind == "-" else 1
            value, literal = self._signed()
            return sign * value, literal
        return self._power()

    def _power(self) -> tuple[Fraction, bool]:
        """A factor with its ! and ^, and whether it is a bare number literal."""
        value, literal = self._atom()
        while self._kind() in ("!", "^"):
            literal = False
            if self._take().kind == "!":
                value = self._factorial(value)
            else:
                exponent, _ = self._signed()
                value = self._raise(value, exponent)
        return value, literal

    def _atom(self) -> tuple[Fraction, bool]:
        token = self._take()
        if token.kind == "number":
            return self._literal(token.text), True
        if token.kind == "frac":
            top = self._group("{", "}")
            return top / self._group("{", "}"), False
        closing = {"(": ")", "{": "}"}.get(token.kind)
        if closing is None:
            raise _NotRational
        value = self._sum()
        self._take(closing)
        return value, False

    def _group(self, opening: str, closing: str) -> Fraction:
        self._take(opening)
        value = self._sum()
        self._take(closing)
        return value

    @staticmethod
    def _literal(text: str) -> Fraction:
        _, _, exponent = text.lower().partition("e")
        if abs(int(exponent or 0)) > MAX_EXPONENT:
            raise _NotRational
        return Fraction(text.rstrip(".") if text.endswith(".") else text)

    @staticmethod
    def _factorial(value: Fraction) -> Fraction:
        if value.denominator != 1 or not 0 <= value <= MAX_FACTORIAL:
            raise _NotRational
        result = 1
        for factor in range(2, int(value) + 1):
            result *= factor
        return Fraction(result)

    @staticmethod
    def _raise(base: Fraction, exponent: Fraction) -> Fraction:
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if exponent.denominator != 1 or abs(exponent) * max(bits, 1) > MAX_BITS:
            raise _NotRational
        return base ** int(exponent)

    @staticmethod
    def _bounded(value: Fraction) -> Fraction:
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > 4 * MAX_BITS:
            raise _NotRational
        return value
