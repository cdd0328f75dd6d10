"""Terms, the nodes of a formula's tree, and the tokens that formulas are read from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

MAX_EXPONENT = 4000

ELEMENTARY = frozenset(
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh exp ln".split()  # noqa: SIM905
)
INVERSE = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
GREEK = re.compile(
    r"(?:[aA]lpha|[bB]eta|[gG]amma|[dD]elta|(?:var)?epsilon|zeta|eta|(?:var)?[tT]heta|iota|kappa"
    r"|[lL]ambda|mu|nu|[xX]i|(?:var)?rho|[sS]igma|tau|[uU]psilon|(?:var)?[pP]hi|chi|[pP]si|[oO]mega"
    r"|hbar|ell)"
)
UNKNOWN_FUNCTIONS = frozenset("fgFG")
# What only a CAS can say; everything else that is not known here is no formula at all.
_SYMBOLIC = re.compile(r"\\(?:int|lim)(?![a-zA-Z])|\\(?:sum|prod)(?![a-zA-Z]).*\\infty", re.DOTALL)

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+(?![\d.^{a-zA-Z]))?)"
    r"|(?P<command>\\[a-zA-Z]+)|(?P<letter>[A-Za-z])|(?P<mark>[-+*/^_!(){}\[\]|,='°]))"
)
_POWER_BEFORE_INDEX = re.compile(r"([A-Za-z])\^(\{[^{}]*\})_(\{[^{}]*\})")
CLOSING = {"(": ")", "{": "}", "[": "]"}


class NotFormula(Exception):
    """The text is no formula, or is written in a way that this reader does not know."""


class NeedsAlgebra(NotFormula):
    """The formula holds a limit, an integral or an infinite sum."""


@dataclass(frozen=True, slots=True)
class Term:
    """A node of the tree; `name` of a symbol, `value` of a number."""

    head: str
    parts: tuple[Term, ...] = ()
    name: str = ""
    value: Fraction = Fraction(0)


def tokens_of(text: str) -> list[str]:
    """The tokens of normalised `text`; raises NotFormula or NeedsAlgebra."""
    if re.search(r"\d\s+[\d.]", text):
        raise NotFormula(text)  # `1 5` is not 15
    if _SYMBOLIC.search(text):
        raise NeedsAlgebra(text)
    tokens: list[str] = []
    at, text = 0, _POWER_BEFORE_INDEX.sub(r"\1_\3^\2", text.strip())
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotFormula(text)
        tokens.append(match[0].strip())
        at = match.end()
    return tokens


def number(value: Fraction | int) -> Term:
    return Term("number", value=Fraction(value))


def literal(token: str) -> Fraction:
    """The exact value of a number; raises NotFormula for a huge exponent."""
    exponent = token.lower().partition("e")[2]
    if abs(int(exponent or 0)) > MAX_EXPONENT:
        raise NotFormula(token)
    return Fraction(token.removesuffix("."))


def is_proper(whole: Fraction, factor: Term) -> bool:
    """Whether `whole` and a fraction behind it make a mixed number."""
    if factor.head != "/" or whole.denominator != 1:
        return False
    top, bottom = factor.parts
    plain = top.head == bottom.head == "number"
    return plain and 0 < top.value < bottom.value
