"""File operations that fail, or bring a signal, at the moment that a test chooses."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_OPERATIONS = (
    "close", "fsync", "ftruncate", "link", "mkdir", "open", "pread", "readv", "rename", "replace",
    "unlink", "write",
)  # fmt: skip


class FileOperations:
    """Counts what is done to files; does something else instead of, or before, the one `at`.

    happens: called then; what it raises is what the operation raises.
    """

    def __init__(self, at: int = 0, happens: Callable[[], None] = lambda: None) -> None:
        self.count, self._at, self._happens = 0, at, happens
        self.name = ""
        """The operation that it was."""

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count == self._at:
                self.name = name
                try:
                    self._happens()
                except OSError:
                    if name == "close":  # the system lets a file go even if it reports an error
                        real(*args, **kwargs)
                    raise
            return real(*args, **kwargs)

        return operation

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the operations of this block."""
        real = {name: getattr(os, name) for name in _OPERATIONS}
        opens = io.open
        for name, function in real.items():
            setattr(os, name, self._counted(name, function))
        io.open = self._counted("io.open", opens)  # type: ignore[assignment]
        try:
            yield
        finally:
            io.open = opens
            for name, function in real.items():
                setattr(os, name, function)
