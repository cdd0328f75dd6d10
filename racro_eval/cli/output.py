"""Text on a terminal. What comes from models and benchmark files cannot steer the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from racro_eval.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "printable"]

_WIDE = 220
"""Columns when standard output is a file or a pipe: nothing is folded there."""


def console() -> Console:
    """Standard output for tables."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
