"""Answer rules: how an answer is compared with the gold one. A benchmark's YAML names its rule as
`answer_rule`.

choice          one or more option letters
math            a number, a formula, a tuple, ..., whatever the gold answer is (the default)
text            words only
integer         a number, exactly
float           a number that rounds to the gold answer at the gold answer's decimals
float:N         a number that equals the gold answer when both are rounded to N decimals
float:tol=X     a number that differs from the gold answer by at most X
list            items in their order, with any brackets around them
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
class AnswerRule:
    """A parsed answer rule. places, tolerance: of `float:N` and `float:tol=X`."""

    kind: str
    places: int | None = None
    tolerance: Fraction | None = None


@lru_cache(maxsize=64)
def parse_rule(text: str) -> AnswerRule:
    """Parse an answer rule such as `float:2`; raises ConfigError if it is none of those above."""
    if text in RULES:
        return AnswerRule(text)
    match = _FLOAT.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"There is no answer rule {text!r}. The rules: {', '.join(RULES)}, "
            "float:N (decimals), float:tol=X."
        )
    if match["places"]:
        return AnswerRule("float", places=int(match["places"]))
    return AnswerRule("float", tolerance=Fraction(match["tolerance"]))


def check_rule(text: str) -> None:
    """Raise ConfigError unless `text` is an answer rule."""
    parse_rule(text)
