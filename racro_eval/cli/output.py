"""Text on a terminal. What comes from models and benchmark files cannot steer the terminal, and no
secret is shown, not even in a traceback.
"""

from __future__ import annotations

import io
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO, cast

from racro_eval.common.printable import printable
from racro_eval.common.tolerant_stream import tolerant_stream
from racro_eval.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["OutputError", "console", "guard_tracebacks", "printable", "standard_streams"]

_WIDE = 220
"""Columns when standard output is a file or a pipe: nothing is folded there."""


class OutputError(ConfigError):
    """Standard output cannot be written. nobody_reads: it is a pipe whose reader has had enough."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"Standard output cannot be written: {error.strerror}. Only what was to be printed is "
            "lost; send it to another place."
        )
        self.nobody_reads = isinstance(error, BrokenPipeError)


class _Output:
    """Standard output whose failures are told from those of other files."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text) if text else 0
        except OSError as error:
            raise OutputError(error) from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise OutputError(error) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def console() -> Console:
    """Standard output for tables."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Make the standard streams ones that can be used, whatever the shell gave.

    One that is closed becomes one for nothing: a file of results must not get its number, or what a
    library writes to standard error would go into it. Standard error may fail without ending
    anything. Standard output spells what its encoding does not know, and what is left in it when it
    fails is dropped, as Python would complain of it once more at its end.
    """
    for number in range(3):
        _open_if_closed(number)
    before = sys.stdout, sys.stderr
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (it is used until the process ends)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout = cast(TextIO, _Output(sys.stdout))
    sys.stderr = tolerant_stream(sys.stderr)
    try:
        yield
    finally:
        _drop_what_cannot_be_written()
        sys.stdout, sys.stderr = before


def _open_if_closed(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)


def _drop_what_cannot_be_written() -> None:
    try:
        sys.stdout.flush()
    except (OutputError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


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
