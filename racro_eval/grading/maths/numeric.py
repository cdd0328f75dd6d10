"""Values of a formula at a point, to a given number of digits, within a budget of operations.

Elementary functions are mpmath's, in a context of the calling thread. The sizes of arguments and
the number of operations are limited beforehand, so that no evaluation can hang.
"""

from __future__ import annotations

import math
import threading
import zlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from racro_eval.grading.maths.terms import Term

Value: TypeAlias = Any
"""An mpf or mpc of the context; mpmath has no type annotations."""

MAX_OPERATIONS = 6000
MAX_TERMS = 500
MAX_LOG2 = 1 << 30
"""Largest binary exponent of a value."""
MAX_ANGLE_LOG2 = 200
_MAX_GAMMA = 1 << 20


class TooBig(Exception):
    """A value or the number of operations exceeds the limits."""


class Undefined(Exception):
    """There is no value at this point, for example because of a division by zero."""


_contexts = threading.local()


def context(digits: int) -> Any:
    """The calling thread's mpmath context with `digits` decimal digits."""
    known: dict[int, Any] = getattr(_contexts, "known", None) or {}
    if digits not in known:
        from mpmath.ctx_mp import MPContext

        known[digits] = MPContext()
        known[digits].dps = digits
        _contexts.known = known
    return known[digits]


class Evaluation:
    """Evaluates terms at one point.

    lossy: whether a summand was lost in a much larger sum, so that equality proves nothing.
    largest: the largest summand so far, by absolute value.
    """

    def __init__(self, point: Mapping[str, Fraction], digits: int) -> None:
        self.ctx = context(digits)
        self.point = {name: self._exact(value) for name, value in point.items()}
        self.lossy = False
        self.largest = self.ctx.mpf(0)
        self._operations_left = MAX_OPERATIONS

    def value(self, term: Term) -> Value:
        """The value of `term`; raises TooBig or Undefined."""
        try:
            result = self._evaluate(term)
        except (ZeroDivisionError, ValueError, OverflowError) as error:
            raise Undefined from error
        if not self.ctx.isfinite(result):
            raise Undefined
        return result

    def _exact(self, value: Fraction) -> Value:
        return self.ctx.mpf(value.numerator) / value.denominator

    def _evaluate(self, term: Term) -> Value:
        self._operations_left -= 1
        if self._operations_left < 0:
            raise TooBig
        head = term.head
        if head == "number":
            return self._exact(term.value)
        if head == "symbol":
            return self.point[term.name]
        if head in ("pi", "e", "i"):
            return {"pi": self.ctx.pi, "e": self.ctx.e, "i": self.ctx.j}[head] * 1
        if head in ("sum", "prod"):
            return self._series(term)
        if head == "^":
            return self._power(*term.parts)
        if head == "root":
            return self._root(*term.parts)
        values = [self._evaluate(part) for part in term.parts]
        result = self._apply(head, values, term.name)
        if _log2(result) > MAX_LOG2:
            raise TooBig
        return result

    def _apply(self, head: str, values: list[Value], name: str) -> Value:
        if head == "+":
            return self._sum(values)
        if head == "*":
            return self._product(values)
        if head == "/":
            return values[0] / values[1]
        if head == "!":
            return self._gamma(values[0] + 1)
        if head == "abs":
            return abs(values[0])
        if head in ("floor", "ceil"):
            return self._step(head, values[0])
        if head == "binom":
            return self._binomial(*values)
        if head == "log":
            return self.ctx.ln(values[0]) / self.ctx.ln(values[1])
        if head in ("max", "min"):
            if any(self.ctx.im(value) for value in values):
                raise Undefined
            return max(values) if head == "max" else min(values)
        if head == "apply":
            # An arbitrary smooth function, which depends on its name only.
            shift = zlib.crc32(name.encode()) % 997 + 1
            return self._elementary("sin", values[0] * shift / 997 + shift) + values[0] / shift
        return self._elementary(head, values[0])

    def _product(self, values: list[Value]) -> Value:
        total = values[0]
        for value in values[1:]:
            total = total * value
            if _log2(total) > MAX_LOG2:
                raise TooBig
        return total

    def _sum(self, values: list[Value]) -> Value:
        sizes = [_log2(value) for value in values if value]
        total = self.ctx.mpf(0)
        for value in values:
            total += value
            self.largest = max(self.largest, abs(value))
        if sizes and max(sizes) - min(sizes) > self.ctx.prec // 2:
            self.lossy = True
        return total

    def _elementary(self, head: str, value: Value) -> Value:
        size = _log2(value) if value else 0
        if size > (40 if head in ("exp", "sinh", "cosh", "tanh") else MAX_ANGLE_LOG2):
            raise TooBig
        if head not in ("ln", "exp") and size > 40:
            self.lossy = True
        names = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}
        if head in ("cot", "sec", "csc"):
            under: Callable[[Value], Value] = getattr(
                self.ctx, {"cot": "tan", "sec": "cos", "csc": "sin"}[head]
            )
            return 1 / under(value)
        function: Callable[[Value], Value] = getattr(self.ctx, names.get(head, head))
        return function(value)

    def _step(self, head: str, value: Value) -> Value:
        if self.ctx.im(value) or _log2(value) > MAX_ANGLE_LOG2:
            raise Undefined
        real = self.ctx.re(value)
        nearest = self.ctx.nint(real)
        if abs(real - nearest) < self.ctx.mpf(10) ** (-self.ctx.dps // 2):
            return nearest
        return self.ctx.floor(real) if head == "floor" else self.ctx.ceil(real)

    def _gamma(self, value: Value) -> Value:
        if abs(value) > _MAX_GAMMA:
            raise TooBig
        return self.ctx.gamma(value)

    def _binomial(self, top: Value, bottom: Value) -> Value:
        whole = [self.ctx.isint(value) for value in (top, bottom)]
        if all(whole) and 0 <= top < 5000 and bottom >= 0:
            return self.ctx.mpf(math.comb(int(top), int(bottom)))
        return self._gamma(top + 1) / (self._gamma(bottom + 1) * self._gamma(top - bottom + 1))

    def _power(self, base_term: Term, exponent_term: Term) -> Value:
        base, exponent = self._evaluate(base_term), self._evaluate(exponent_term)
        if not base:
            if self.ctx.re(exponent) <= 0:
                raise Undefined
            return base
        size = abs(_log2(base)) + 1
        if _log2(exponent) > 40 or abs(exponent) * size > MAX_LOG2:
            raise TooBig
        if self.ctx.isint(exponent):
            return base ** int(self.ctx.re(exponent))
        odd = _odd_root_numerator(exponent_term)
        if odd and not self.ctx.im(base) and base < 0:
            sign = -1 if odd % 2 else 1
            return sign * (-base) ** exponent
        return base**exponent

    def _root(self, inner_term: Term, degree_term: Term) -> Value:
        inner, degree = self._evaluate(inner_term), self._evaluate(degree_term)
        if degree == 2:
            return self.ctx.sqrt(inner)
        if not degree or _log2(degree) > 40 or _log2(inner) > MAX_LOG2:
            raise Undefined
        if not inner:
            return inner
        if not self.ctx.im(inner) and inner < 0 and self.ctx.isint(degree) and int(degree) % 2:
            return -((-inner) ** (1 / degree))
        return inner ** (1 / degree)

    def _series(self, term: Term) -> Value:
        first, last = (self._evaluate(part) for part in term.parts[:2])
        if not (self.ctx.isint(first) and self.ctx.isint(last)):
            raise Undefined
        if abs(first) > MAX_LOG2 or last - first > MAX_TERMS:
            raise TooBig
        total = self.ctx.mpf(0 if term.head == "sum" else 1)
        outer = self.point.get(term.name)
        for index in range(int(first), int(last) + 1):
            self.point[term.name] = self.ctx.mpf(index)
            body = self._evaluate(term.parts[2])
            total = total + body if term.head == "sum" else total * body
        if outer is None:
            self.point.pop(term.name, None)
        else:
            self.point[term.name] = outer
        return total


def _log2(value: Value) -> int:
    """The binary exponent of a value; that of zero is 0."""
    parts: list[Value] = [value.real, value.imag] if hasattr(value, "_mpc_") else [value]
    sizes = [part._mpf_[2] + part._mpf_[3] for part in parts if part]
    return max(sizes, default=0)


def _odd_root_numerator(term: Term) -> int:
    """The numerator of an exponent p/q with a small odd q, else 0: in schools (-8)^{1/3} is -2."""
    if term.head != "/" or any(part.head != "number" for part in term.parts):
        return 0
    value = term.parts[0].value / term.parts[1].value if term.parts[1].value else Fraction(0)
    return value.numerator if value.denominator % 2 and 1 < value.denominator < 20 else 0
