"""How big a model is: from the built-in list, else from its name ("...-7B")."""

from __future__ import annotations

import re
from functools import cache

from racro_eval.leaderboard.published import canonical
from racro_eval.models.resolve import builtin_models

_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)[bB](?![a-zA-Z0-9])")


def billions(*names: str | None) -> float | None:
    """The parameters of these models together, in billions; None if one of them is not known."""
    sizes = [_size(name) for name in names if name]
    known = [size for size in sizes if size is not None]
    return round(sum(known), 4) if known and len(known) == len(sizes) else None


@cache
def _size(name: str) -> float | None:
    entry = builtin_models().get(canonical(name))
    if entry and entry.parameters:
        return entry.parameters
    found = _SIZE.search(name)
    return float(found.group(1)) if found else None
