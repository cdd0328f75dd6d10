"""Templates in YAML files: text with `{name}` in it; `{{` and `}}` are literal braces.

Nothing but names stands in the braces: `{name:>999999999}` would fill the memory, and `{name.attr}`
would show what is no business of a template.
"""

from __future__ import annotations

import re
import string
from typing import Annotated

from pydantic import AfterValidator


def names_in(template: str) -> set[str]:
    """The names in a template's braces. Raises ValueError, saying what is wrong with it."""
    names = set()
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{error}; write {{{{ and }}}} for braces") from error
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if form or conversion:
            raise ValueError(f"only a name may stand in braces, not {{{name}...}}")
        names.add(name)
    return names


def _sound(template: str) -> str:
    check_names(template, names_in(template))
    return template


Template = Annotated[str, AfterValidator(_sound)]
"""A text in a YAML that is a template."""


def check_names(template: str, known: set[str]) -> None:
    """Raise ValueError if a name in a template is none of those known."""
    plain = {name for name in known if not re.search(r"[.\[]", name)}
    if unknown := sorted(names_in(template) - plain):
        there = f"known: {', '.join(sorted(known))}" if known else "there is none at all"
        raise ValueError(f"there is no {{{unknown[0]}}} here; {there}")
