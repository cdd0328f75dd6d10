"""Text on a terminal. Text from models and benchmark files cannot control the terminal, and no
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

_PIPE_WIDTH = 220
"""Columns if standard output is a file or a pipe, so that lines are not wrapped there."""


class OutputError(ConfigError):
    """Standard output cannot be written. is_broken_pipe: its reader has closed the pipe."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"Standard output cannot be written: {error.strerror}. Only the printed text is lost; "
            "send it to another place."
        )
        self.is_broken_pipe = isinstance(error, BrokenPipeError)


class _StandardOutput:
    """Standard output that raises OutputError, to distinguish it from errors of other files."""

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
    """A console for tables on standard output."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Make the standard streams usable inside the block, even if the shell closed them.

    A closed stream is connected to /dev/null: otherwise a results file could get its descriptor,
    and what a library writes to standard error would go into that file. Errors of standard error
    are ignored. Standard output escapes characters that its encoding lacks. If it fails, the rest
    of its buffer is dropped, because Python would report the error again when it exits.
    """
    for number in range(3):
        _connect_if_closed(number)
    before = sys.stdout, sys.stderr
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (it is used until the process ends)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout = cast(TextIO, _StandardOutput(sys.stdout))
    sys.stderr = tolerant_stream(sys.stderr)
    try:
        yield
    finally:
        _flush_or_drop()
        sys.stdout, sys.stderr = before


def _connect_if_closed(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)


def _flush_or_drop() -> None:
    try:
        sys.stdout.flush()
    except (OutputError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def guard_tracebacks() -> None:
    """Make the text of tracebacks safe to show; leaves hooks of other programs alone."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _show_error
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _show_thread_error


def _show_error(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    lines = traceback.format_exception(kind, error, trace)
    print(printable("".join(lines)), end="", file=sys.stderr)


def _show_thread_error(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:
        _show_error(args.exc_type, args.exc_value, args.exc_traceback)
