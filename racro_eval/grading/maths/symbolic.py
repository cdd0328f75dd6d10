"""The worker process: compares two LaTeX expressions with latex2sympy2_extended and sympy.

It runs as `python -m racro_eval.grading.maths.symbolic`; `workers.py` starts it, exchanges lines of
JSON with it, and kills it if it does not reply in time. Each request is a line:

    {"op": "equal",  "left": "...", "right": "..."}
    {"op": "factor", "left": "...", "right": "..."}     is left = k * right for a constant k?

and each reply is a line: {"verdict": "equal" | "different" | "unknown" | "too-big"}
with "values", the decimal values of two constant sides (else null), or "factor", the sign of k.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from typing import Any, TextIO

from racro_eval.grading.maths.points import draw_points

ORPHAN_SECONDS = 10.0
"""A worker whose parent was killed ends itself then; the parent's own limit is much shorter."""
DIGITS = 30
FLOOR = 1e-25
"""Differences below this may be a zero after cancellation."""


def parse(latex: str) -> Any:
    """The sympy expression of a text; raises errors of many kinds on text that is no expression."""
    import sympy
    from latex2sympy2_extended import latex2sympy
    from latex2sympy2_extended.latex2sympy2 import ConversionConfig

    expression = latex2sympy(latex, conversion_config=ConversionConfig(lowercase_symbols=False))
    if not isinstance(expression, sympy.Expr):
        raise TypeError(f"not an expression: {type(expression).__name__}")
    known = {"i": sympy.I, "e": sympy.E, "pi": sympy.pi}
    free = {
        symbol: known[symbol.name] for symbol in expression.free_symbols if symbol.name in known
    }
    exact = {number: sympy.Rational(str(number)) for number in expression.atoms(sympy.Float)}
    return expression.xreplace({**free, **exact})


def value(expression: Any, point: dict[Any, Any]) -> Any | None:
    """The value at a point as a sympy number, None if there is none."""
    import sympy

    # With the substitution inside evalf, x^{99999999} is a floating-point power.
    result = expression.evalf(DIGITS, subs=point)
    if result.free_symbols:
        result = sympy.N(expression.subs(point), DIGITS)
    return result if _is_finite(result) else None


def _is_finite(result: Any) -> bool:
    import sympy

    parts = result.as_real_imag() if result.is_number else ()
    return bool(parts) and all(isinstance(p, sympy.Number) and p.is_finite for p in parts)


def close(left: Any, right: Any, floor: float = 0.0) -> bool:
    """Whether two numbers are equal except for rounding; differences up to `floor` are zero."""
    scale = max(abs(left), abs(right))
    return bool(abs(left - right) <= max(scale * 10 ** (-DIGITS // 2), floor))


def points(expressions: list[Any]) -> list[tuple[bool, dict[Any, Any]]]:
    """Points to compare expressions at: whether all values are positive, and symbol → value."""
    import sympy

    symbols = sorted(set().union(*(e.free_symbols for e in expressions)), key=str)
    return [
        (
            positive,
            {symbol: sympy.Rational(x.numerator, x.denominator) for symbol, x in point.items()},
        )
        for positive, point in draw_points(symbols)
    ]


def equal(left: Any, right: Any) -> dict[str, Any]:
    """The reply to an "equal" request."""
    import sympy

    values: list[str | None] = [None, None]
    if not left.free_symbols and not right.free_symbols:
        numbers = [value(side, {}) for side in (left, right)]
        values = [str(n) if n is not None and n.is_real else None for n in numbers]
    if left == right:
        return {"verdict": "equal", "values": values}
    agreed = 0
    for positive, point in points([left, right]):
        a, b = value(left, point), value(right, point)
        if a is None or b is None:
            continue
        if close(a, b, FLOOR if point else 0.0):
            agreed += 1
        elif not point and abs(a - b) < FLOOR:
            break  # tiny values or cancellation: only algebra can decide
        elif positive or not agreed or a.is_real or b.is_real:
            return {"verdict": "different", "values": values}
        # Both are complex here but agreed on the reals: another branch of a root, not a mismatch.
    if agreed:
        return {"verdict": "equal", "values": values}
    same = sympy.simplify(left - right) == 0
    return {"verdict": "equal" if same else "unknown", "values": values}


def factor(left: Any, right: Any) -> dict[str, Any]:
    """The reply to a "factor" request."""
    ratios = []
    for _, point in points([left, right]):
        a, b = value(left, point), value(right, point)
        if a is not None and b is not None and a != 0 and b != 0:
            ratios.append(a / b)
    constant = len(ratios) > 1 and all(close(ratio, ratios[0]) for ratio in ratios)
    if not constant or not ratios[0].is_real:
        return {"verdict": "different" if ratios else "unknown", "factor": 0}
    return {"verdict": "equal", "factor": 1 if ratios[0] > 0 else -1}


def reply_to(request: dict[str, str]) -> dict[str, Any]:
    """The reply to a request; the verdict on text that cannot be read or compared is "unknown"."""
    try:
        left, right = parse(request["left"]), parse(request["right"])
        return equal(left, right) if request["op"] == "equal" else factor(left, right)
    except MemoryError:
        return {"verdict": "too-big"}
    except Exception:  # the parser raises Exception itself, and sympy many kinds
        return {"verdict": "unknown", "values": [None, None], "factor": 0}


def limit_memory(limit: int) -> None:
    """Limit the memory of this process to so many bytes; a crash writes no core file."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(requests: TextIO, replies: TextIO) -> None:
    """Answer requests until the parent closes the pipe."""
    # This loads sympy, the grammar, and what an integral needs.
    reply_to({"op": "equal", "left": r"\int_0^1 x dx", "right": "1"})
    print(json.dumps({"ready": True}), file=replies, flush=True)
    for line in requests:
        faulthandler.dump_traceback_later(ORPHAN_SECONDS, exit=True)
        reply = reply_to(json.loads(line))
        faulthandler.cancel_dump_traceback_later()
        print(json.dumps(reply), file=replies, flush=True)


def main() -> None:
    limit_memory(int(sys.argv[1]))
    sys.set_int_max_str_digits(100_000)
    # The parsers print warnings to stdout; replies are written to a private copy of it.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with replies:
        serve(sys.stdin, replies)


if __name__ == "__main__":
    main()
