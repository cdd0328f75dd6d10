"""A large JSON list or object, a member at a time.

Python's own decoder reads each member, so that what it takes for a number (NaN, as Python writes
it) or for a text (an unpaired surrogate) is what it is in any other file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

_CHUNK = 1 << 18
"""Characters read at a time."""
_AFTER = tuple(",:]} \t\n\r")
"""What can follow a value."""
_SPACE = re.compile(r"[ \t\n\r]*")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in content if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in an object")
    return content


DECODER = json.JSONDecoder(object_pairs_hook=_object)
"""Python's own, but for keys that stand twice in an object: it would keep the last."""


def members(file: TextIO) -> Iterator[tuple[str | None, Any]]:
    """The members of the file's list (with None) or object (with their keys), in order.

    Raises ValueError, saying what is wrong at which character, or RecursionError.
    """
    text = _Text(file)
    end = "]" if text.take("[{", "a list or an object of rows is expected") == "[" else "}"
    after = text.take(end) if text.peek() == end else ","
    while after == ",":
        key = None
        if end == "}":
            if text.peek() != '"':
                raise text.error("a key is expected")
            key = text.value()
            text.take(":")
        yield key, text.value()
        after = text.take("," + end)
    if text.peek():
        raise text.error("nothing more is expected")


class _Text:
    """The text of a file, of which only the part being read is in memory."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._text, self._at = file, "", 0
        self._before = 0
        """Characters that were read and dropped."""

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, expected: str, complaint: str = "") -> str:
        """The next character, which must be one of those expected."""
        found = self.peek()
        if not found or found not in expected:
            raise self.error(complaint or f"{' or '.join(map(repr, expected))} is expected")
        self._at += 1
        return found

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
                whole = self._text[end : end + 1] in _AFTER  # else a number may go on
            except json.JSONDecodeError as error:
                if not self._more():
                    raise self.error(error.msg, error.pos) from None
                continue
            if whole or not self._more():
                self._at = end
                return value

    def error(self, what: str, at: int | None = None) -> ValueError:
        """An error at a place in the text held, or here."""
        place = self._before + (self._at if at is None else at)
        return ValueError(f"{what} (character {place})")

    def _more(self) -> bool:
        """Read on, at least as much as is held, so that a long value is not tried too often."""
        piece = self._file.read(max(_CHUNK, len(self._text) - self._at))
        if piece:
            self._before += self._at
            self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)
