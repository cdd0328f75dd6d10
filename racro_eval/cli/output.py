"""Text on a terminal. What comes from models and benchmark files cannot steer the terminal, and no
secret is shown, not even in a traceback.
"""

from __future__ import annotations

import sys
import threading
import traceback
from types import TracebackType
from typing import TYPE_CHECKING

from racro_eval.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "guard_tracebacks", "printable"]

_WIDE = 220
"""Columns when standard output is a file or a pipe: nothing is folded there."""


def console() -> Console:
    """Standard output for tables."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def guard_tracebacks() -> None:
    """Show tracebacks of this process as any other text; does nothing where others show them."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _show
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _show_of_thread


def _show(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    lines = traceback.format_exception(kind, error, trace)
    print(printable("".join(lines)), end="", file=sys.stderr)


def _show_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:
        _show(args.exc_type, args.exc_value, args.exc_traceback)
