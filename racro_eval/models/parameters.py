"""The number of a model's parameters: from the built-in list, else from its name ("...-7B")."""

from __future__ import annotations

import re
from functools import cache

from racro_eval.models.resolve import builtin_models, builtin_name

_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)[bB](?![a-zA-Z0-9])")


def billion_parameters(*names: str | None) -> float | None:
    """The parameters of these models together, in billions; None if that of any is unknown."""
    sizes = [_size(name) for name in names if name]
    known = [size for size in sizes if size is not None]
    return round(sum(known), 4) if known and len(known) == len(sizes) else None


@cache
def _size(name: str) -> float | None:
    entry = builtin_models().get(builtin_name(name))
    if entry and entry.parameters:
        return entry.parameters
    match = _SIZE.search(name)
    return float(match[1]) if match else None
