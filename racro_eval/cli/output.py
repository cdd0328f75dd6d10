"""Text on a terminal. What comes from models and benchmark files cannot steer the terminal."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_WIDE = 220
"""Columns when standard output is a file or a pipe: nothing is folded there."""


def printable(text: str) -> str:
    """The text with control characters (but line feed and tab) spelt out, as `\\x1b`."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def console() -> Console:
    """Standard output for tables."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
