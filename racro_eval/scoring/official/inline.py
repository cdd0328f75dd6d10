"""Options that are part of the question's text."""

from __future__ import annotations

import re

_LETTERS = "ABCDEFGHI"
_LISTED = re.compile(r"\bChoices:\s*(?P<list>.+)\Z", re.DOTALL)
_LINE = re.compile(r"^\s*\(?([A-I])\)?\s*[:.)]\s*(.*?)\s*$", re.MULTILINE)
_BRACKETED = re.compile(r"\(([A-I])\)[ \t]*([^\n]*?)[ \t]*(?=\([A-I]\)|\n|\Z)")


def inline_options(question: str) -> dict[str, str]:
    """Letter → text of the options in a question; {} if there are none.

    They are lines after "Choices:" (MathVerse), or "(A) 12 (B) 13" (LogicVista). The letters must
    be A, B, C, ... in this order, so that letters which name points are not taken for options.
    """
    listed = _LISTED.search(question)
    for pairs in (_LINE.findall(listed["list"]) if listed else [], _BRACKETED.findall(question)):
        letters = "".join(letter for letter, _ in pairs)
        if len(letters) > 1 and _LETTERS.startswith(letters):
            return dict(pairs)
    return {}
