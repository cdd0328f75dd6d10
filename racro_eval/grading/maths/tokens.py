"""The tokens of a normalised formula, and what the two readers of formulas share.

`rationals.py` computes plain arithmetic exactly while it reads; `syntax.py` builds a tree.
"""

from __future__ import annotations

import re
from fractions import Fraction

MAX_EXPONENT = 4000
"""Largest decimal exponent of a number such as `1e4000`."""

CLOSING = {"(": ")", "{": "}", "[": "]"}
# Only a computer algebra system can compare these; every other unknown command is no formula.
_SYMBOLIC = re.compile(r"\\(?:int|lim)(?![a-zA-Z])|\\(?:sum|prod)(?![a-zA-Z]).*\\infty", re.DOTALL)
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+(?![\d.^{a-zA-Z]))?)"
    r"|(?P<command>\\[a-zA-Z]+)|(?P<letter>[A-Za-z])|(?P<mark>[-+*/^_!(){}\[\]|,='°]))"
)
_POWER_BEFORE_INDEX = re.compile(r"([A-Za-z])\^(\{[^{}]*\})_(\{[^{}]*\})")


class NotFormula(Exception):
    """The text is not a formula, or uses notation that the reader does not support."""


class NeedsAlgebra(NotFormula):
    """The formula has a limit, an integral or an infinite sum."""


class TokenReader:
    """A list of tokens and the current position in it: the base of recursive descent."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.position = tokens, 0

    def peek(self) -> str:
        """The next token, "" at the end."""
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        """Read the next token. Raises NotFormula at the end, or if it is not the expected one."""
        token = self.peek()
        if not token or (expected and token != expected):
            raise NotFormula(f"{expected or 'a token'} is expected")
        self.position += 1
        return token

    def require_end(self) -> None:
        """Raise NotFormula unless all tokens are read."""
        if self.position < len(self.tokens):
            raise NotFormula(f"unexpected {self.peek()!r}")


def scan(text: str, pattern: re.Pattern[str]) -> list[str]:
    """Split a text into tokens that match `pattern`; raises NotFormula where none matches."""
    tokens: list[str] = []
    position, text = 0, text.strip()
    while position < len(text):
        match = pattern.match(text, position)
        if match is None:
            raise NotFormula(text)
        tokens.append(match[0].strip())
        position = match.end()
    return tokens


def tokens_of(text: str) -> list[str]:
    """The tokens of a formula; raises NotFormula or NeedsAlgebra."""
    if re.search(r"\d\s+[\d.]", text):
        raise NotFormula(text)  # `1 5` is not 15
    if _SYMBOLIC.search(text):
        raise NeedsAlgebra(text)
    return scan(_POWER_BEFORE_INDEX.sub(r"\1_\3^\2", text.strip()), _TOKEN)


def is_number(token: str) -> bool:
    """Whether a token is a number literal."""
    return token[:1].isdigit() or token[:1] == "."


def number_value(token: str) -> Fraction:
    """The exact value of a number literal; raises NotFormula if its exponent is too large."""
    exponent = token.lower().partition("e")[2]
    if abs(int(exponent or 0)) > MAX_EXPONENT:
        raise NotFormula(token)
    return Fraction(token.removesuffix("."))
