"""Exact values of numbers and of arithmetic between them.

Values are computed while the text is read, within limits of size: arithmetic is the most frequent
kind of answer, and needs neither the tree of `syntax.py` nor an approximation.
"""

from __future__ import annotations

import re
from fractions import Fraction

from racro_eval.grading.maths.tokens import (
    CLOSING,
    NotFormula,
    TokenReader,
    is_number,
    number_value,
    scan,
)

MAX_BITS = 16_000
"""Largest size of a power; a product may have four times as many bits."""
MAX_FACTORIAL = 1000

_TOKEN = re.compile(
    r"\s*(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+(?![\d.]))?|\\frac|[-+*/^!(){}])\s*"
)
_DECIMAL = re.compile(
    r"[-+]?(?P<mantissa>\d+\.\d+|\.\d+|\d+)"
    r"(?:[eE](?P<e>[-+]?\d{1,4})|\*?\(?10\^\{(?P<ten>[-+]?\d{1,4})\}\)?)?"
)


def rational(text: str) -> Fraction | None:
    """The exact value of normalised `text` such as `3\\frac{1}{2}`, `2^{10}-1` or `1.5*10^{3}`.

    None if it has anything but numbers and + - * / ^ !, or if its value is too big.
    """
    try:
        return _ArithmeticReader(scan(text, _TOKEN)).value()
    except (NotFormula, ZeroDivisionError, ValueError, RecursionError):
        return None


def decimal_places(text: str) -> int | None:
    """The number of decimals of a decimal literal (`4.20` → 2, `6.6*10^{-3}` → 4), else None.

    It is negative if the last digit is left of the units: -1 for `1.2*10^{2}`.
    """
    match = _DECIMAL.fullmatch(text.replace(" ", ""))
    if match is None:
        return None
    exponent = match["e"] or match["ten"]
    if "." not in match["mantissa"] and exponent is None:
        return None
    decimals = len(match["mantissa"].partition(".")[2])
    return decimals - int(exponent or 0)


def significant_digits(text: str) -> int:
    """The number of significant digits of a decimal literal; 0 for other texts."""
    match = _DECIMAL.fullmatch(text.replace(" ", ""))
    return len(match["mantissa"].replace(".", "").lstrip("0")) if match else 0


class _ArithmeticReader(TokenReader):
    """Recursive descent that returns values; the caller's budget limits the nesting."""

    def value(self) -> Fraction:
        """The value of all tokens."""
        result = self._sum()
        self.require_end()
        return result

    def _sum(self) -> Fraction:
        result = self._product()
        while self.peek() in ("+", "-"):
            sign = -1 if self.take() == "-" else 1
            result += sign * self._product()
        return result

    def _product(self) -> Fraction:
        result, is_literal = self._signed()
        while True:
            token = self.peek()
            if token in ("*", "/"):
                self.take()
                factor, is_literal = self._signed()
                result = result * factor if token == "*" else result / factor
            elif token == r"\frac" and is_literal and result.denominator == 1:
                fraction, is_literal = self._power()
                # 3\frac{1}{2} is a mixed number; 3\frac{5}{2} is a product.
                mixed = 0 < fraction < 1
                sign = -1 if result < 0 else 1
                result = result + sign * fraction if mixed else result * fraction
            elif token in ("(", "{", r"\frac") or (is_number(token) and not is_literal):
                factor, is_literal = self._power()
                result *= factor
            else:
                return self._bounded(result)

    def _signed(self) -> tuple[Fraction, bool]:
        """A factor with its signs, and whether it is a number literal."""
        if self.peek() in ("+", "-"):
            sign = -1 if self.take() == "-" else 1
            value, is_literal = self._signed()
            return sign * value, is_literal
        return self._power()

    def _power(self) -> tuple[Fraction, bool]:
        """A factor with its ! and ^, and whether it is a number literal."""
        value, is_literal = self._atom()
        while self.peek() in ("!", "^"):
            is_literal = False
            if self.take() == "!":
                value = self._factorial(value)
            else:
                exponent, _ = self._signed()
                value = self._raise(value, exponent)
        return value, is_literal

    def _atom(self) -> tuple[Fraction, bool]:
        token = self.take()
        if is_number(token):
            return number_value(token), True
        if token == r"\frac":
            numerator = self._group("{")
            return numerator / self._group("{"), False
        if token not in CLOSING:
            raise NotFormula(token)
        value = self._sum()
        self.take(CLOSING[token])
        return value, False

    def _group(self, opening: str) -> Fraction:
        self.take(opening)
        value = self._sum()
        self.take(CLOSING[opening])
        return value

    @staticmethod
    def _factorial(value: Fraction) -> Fraction:
        if value.denominator != 1 or not 0 <= value <= MAX_FACTORIAL:
            raise NotFormula("no factorial")
        result = 1
        for factor in range(2, int(value) + 1):
            result *= factor
        return Fraction(result)

    @staticmethod
    def _raise(base: Fraction, exponent: Fraction) -> Fraction:
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if exponent.denominator != 1 or abs(exponent) * max(bits, 1) > MAX_BITS:
            raise NotFormula("too big")
        return base ** int(exponent)

    @staticmethod
    def _bounded(value: Fraction) -> Fraction:
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > 4 * MAX_BITS:
            raise NotFormula("too big")
        return value
