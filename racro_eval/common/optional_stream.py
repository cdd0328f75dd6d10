"""A stream for notes: what cannot be written to it is dropped, and ends nothing."""

from __future__ import annotations

import contextlib
from typing import Any, TextIO, cast


class _Forgiving:
    """Stands in front of a text stream, or of none."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, if that is possible; gives the number of characters."""
        if self._stream is not None:
            # ValueError: the stream is closed, or cannot spell it
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that is possible."""
        if self._stream is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.flush()

    def isatty(self) -> bool:
        """Whether notes go to a terminal."""
        return self._stream is not None and not self._stream.closed and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def forgiving(stream: TextIO | None) -> TextIO:
    """The stream, less its failures (a closed terminal, a full disk); of None, one for nothing."""
    return stream if isinstance(stream, _Forgiving) else cast(TextIO, _Forgiving(stream))
