"""Answer rules: what kind of answer a benchmark has, as its YAML's `answer_rule` spells it.

choice          one or more option letters
math            whatever the gold answer is: a number, a formula, a tuple, ... (the default)
text            words only
integer         a number, exactly
float           a number that rounds to the decimals that the gold answer shows
float:N         a number that agrees with the gold answer when both are rounded to N decimals
float:tol=X     a number at most X away from the gold answer
list            items in their order, whatever brackets stand around them
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from racro_eval.errors import ConfigError

RULES = ("choice", "math", "text", "integer", "float", "list")
_FLOAT = re.compile(r"float:(?:(?P<places>\d{1,2})|tol=(?P<tolerance>\d{1,9}(?:\.\d{1,30})?))")


@dataclass(frozen=True, slots=True)
class Rule:
    """A parsed rule; decimals or tolerance where a float's rule names them."""

    kind: str
    places: int | None = None
    tolerance: Fraction | None = None


@lru_cache(maxsize=64)
def parse_rule(text: str) -> Rule:
    """Read a rule's spelling; raises ConfigError unless it is one of those above."""
    if text in RULES:
        return Rule(text)
    match = _FLOAT.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"There is no answer rule {text!r}. The rules: {', '.join(RULES)}, "
            "float:N (decimals), float:tol=X."
        )
    if match["places"]:
        return Rule("float", places=int(match["places"]))
    return Rule("float", tolerance=Fraction(match["tolerance"]))


def check_rule(text: str) -> None:
    """Raise ConfigError unless `text` spells a rule."""
    parse_rule(text)
