"""Long lists of names in messages."""

from __future__ import annotations

from collections.abc import Sequence


def abbreviated(names: Sequence[str], limit: int = 10) -> str:
    """The first names, and how many more there are.

    >>> abbreviated(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
