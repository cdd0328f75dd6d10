"""Terms: the nodes of a formula's tree, and the names that formulas may use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

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


@dataclass(frozen=True, slots=True)
class Term:
    """A node of the tree.

    head: the kind of node (see `syntax.py`). name: of a symbol. value: of a number.
    """

    head: str
    parts: tuple[Term, ...] = ()
    name: str = ""
    value: Fraction = Fraction(0)


def number(value: Fraction | int) -> Term:
    """The node of a number."""
    return Term("number", value=Fraction(value))


def is_mixed_number(whole: Fraction, factor: Term) -> bool:
    """Whether `whole` followed by `factor` is a mixed number such as `2\\frac{1}{2}`."""
    if factor.head != "/" or whole.denominator != 1:
        return False
    top, bottom = factor.parts
    plain = top.head == bottom.head == "number"
    return plain and 0 < top.value < bottom.value
