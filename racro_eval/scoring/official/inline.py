"""Options that a benchmark writes into the text of its question, rather than beside it."""

from __future__ import annotations

import re

_LETTERS = "ABCDEFGHI"
_LISTED = re.compile(r"\bChoices:\s*(?P<list>.+)\Z", re.DOTALL)
_LINE = re.compile(r"^\s*\(?([A-I])\)?\s*[:.)]\s*(.*?)\s*$", re.MULTILINE)
_BRACKETED = re.compile(r"\(([A-I])\)[ \t]*([^\n]*?)[ \t]*(?=\([A-I]\)|\n|\Z)")


def inline_options(question: str) -> dict[str, str]:
    """Letter → text of the options in a question, in either spelling; {} if it shows none.

    A line each after "Choices:" (MathVerse), or "(A) 12 (B) 13" in a row (LogicVista). The letters
    must be A, B, C, ... once each, so that letters which name points are no options.
    """
    listed = _LISTED.search(question)
    for pairs in (_LINE.findall(listed["list"]) if listed else [], _BRACKETED.findall(question)):
        letters = "".join(letter for letter, _ in pairs)
        if len(letters) > 1 and _LETTERS.startswith(letters):
            return dict(pairs)
    return {}
