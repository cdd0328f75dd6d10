"""A large JSON list or object, read one member at a time.

Each member is decoded by Python's own decoder, so that its extensions of JSON (NaN, unpaired
surrogates) are read as in any other JSON file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

_CHUNK = 1 << 18
"""Characters read at a time."""
_TERMINATORS = tuple(",:]} \t\n\r")
"""Characters that can follow a value."""
_SPACE = re.compile(r"[ \t\n\r]*")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in content if names.count(name) > 1)
        raise ValueError(f"duplicate key {duplicate!r} in an object")
    return content


DECODER = json.JSONDecoder(object_pairs_hook=_object)
"""Python's own decoder, except that duplicate keys are an error: Python would keep the last one."""


def members(file: TextIO) -> Iterator[tuple[str | None, Any]]:
    """The members of the file's list (with None) or object (with their keys), in order.

    Raises ValueError, which says what is wrong and at which character, or RecursionError.
    """
    text = _Buffer(file)
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


class _Buffer:
    """The text of a file. Only the part that is being read is in memory."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._text, self._at = file, "", 0
        self._before = 0
        """Number of characters that were read and discarded."""

    def peek(self) -> str:
        """The next character that is not white space; "" at the end of the file."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or not self._read_more():
                return self._text[self._at : self._at + 1]

    def take(self, expected: str, message: str = "") -> str:
        """Read the next character. Raises ValueError if it is not one of `expected`."""
        character = self.peek()
        if not character or character not in expected:
            raise self.error(message or f"{' or '.join(map(repr, expected))} is expected")
        self._at += 1
        return character

    def value(self) -> Any:
        """Read the next value. Raises ValueError."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
                complete = self._text[end : end + 1] in _TERMINATORS  # else a number may continue
            except json.JSONDecodeError as error:
                if not self._read_more():
                    raise self.error(error.msg, error.pos) from None
                continue
            if complete or not self._read_more():
                self._at = end
                return value

    def error(self, message: str, at: int | None = None) -> ValueError:
        """An error at a position in the buffer, by default the current one."""
        position = self._before + (self._at if at is None else at)
        return ValueError(f"{message} (character {position})")

    def _read_more(self) -> bool:
        """Read at least as much as the buffer holds; returns False at the end of the file.

        The buffer doubles, so that a long value is decoded only a few times.
        """
        piece = self._file.read(max(_CHUNK, len(self._text) - self._at))
        if piece:
            self._before += self._at
            self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)
