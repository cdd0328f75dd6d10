"""A text stream for messages that are not essential: a failed write is ignored."""

from __future__ import annotations

import contextlib
from typing import Any, TextIO, cast


class _TolerantStream:
    """Wraps a text stream, or None."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text if possible. Returns its number of characters."""
        if self._stream is not None:
            # ValueError: the stream is closed, or its encoding lacks a character.
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if possible."""
        if self._stream is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.flush()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream is not None and not self._stream.closed and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def tolerant_stream(stream: TextIO | None) -> TextIO:
    """The stream, with write errors ignored (a closed terminal, a full disk).

    For None, the result drops everything. A stream that is already tolerant is returned unchanged.
    """
    return stream if isinstance(stream, _TolerantStream) else cast(TextIO, _TolerantStream(stream))
