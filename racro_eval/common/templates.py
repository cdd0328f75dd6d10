"""Templates in YAML files: text with `{name}` in it; `{{` and `}}` are literal braces.

Only plain names are allowed in braces: `{name:>999999999}` would fill the memory, and `{name.attr}`
would expose attributes that templates must not see.
"""

from __future__ import annotations

import re
import string
from typing import Annotated

from pydantic import AfterValidator


def names_in(template: str) -> set[str]:
    """The names in a template's braces. Raises ValueError for an invalid template."""
    names = set()
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{error}; write {{{{ and }}}} for braces") from error
    for _, name, format_spec, conversion in parts:
        if name is None:
            continue
        if format_spec or conversion:
            raise ValueError(f"only a name is allowed in braces, not {{{name}...}}")
        names.add(name)
    return names


def _checked(template: str) -> str:
    check_names(template, names_in(template))
    return template


Template = Annotated[str, AfterValidator(_checked)]
"""A text in a YAML file that is a template."""


def check_names(template: str, allowed: set[str]) -> None:
    """Raise ValueError if a template uses a name that is not allowed."""
    plain = {name for name in allowed if not re.search(r"[.\[]", name)}
    if unknown := sorted(names_in(template) - plain):
        choices = f"allowed: {', '.join(sorted(allowed))}" if allowed else "no name is allowed"
        raise ValueError(f"there is no {{{unknown[0]}}} here; {choices}")
