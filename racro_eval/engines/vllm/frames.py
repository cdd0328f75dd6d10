"""Messages between two processes of ours: a JSON header and raw bytes, over a pipe.

Images travel as the bytes they are. Nothing is pickled: a message can do nothing but be read.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from racro_eval.errors import DataError

_LENGTH = struct.Struct("<Q")
_MOST_HEADER = 1 << 30
_MOST_BLOB = 1 << 32
"""Bytes. A length above it is none, and must not become an allocation."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: header fields, and attached byte strings."""

    header: dict[str, Any]
    blobs: tuple[bytes, ...] = ()


def write_frame(pipe: BinaryIO, header: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
    """Send a message. Raises OSError if nobody reads any more."""
    text = json.dumps({"sizes": [len(blob) for blob in blobs], **header}).encode()
    pipe.write(b"".join([_LENGTH.pack(len(text)), text, *blobs]))
    pipe.flush()


def read_frame(pipe: BinaryIO) -> Frame | None:
    """Receive a message; None if the other side has closed the pipe or died in the middle of one.

    Raises DataError if what stands in the pipe is no message: something else was written to it.
    """
    prefix = pipe.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(prefix)
    if length > _MOST_HEADER:
        raise _no_message()
    text = pipe.read(length)
    if len(text) < length:
        return None
    header, sizes = _parsed(text)
    blobs = []
    for size in sizes:
        blobs.append(pipe.read(size))
        if len(blobs[-1]) < size:
            return None
    return Frame(header, tuple(blobs))


def _parsed(text: bytes) -> tuple[dict[str, Any], list[int]]:
    """The fields of a header, and the sizes of the byte strings that follow it."""
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_message() from error
    sizes = header.pop("sizes", None) if isinstance(header, dict) else None
    if not isinstance(sizes, list) or not all(_is_size(size) for size in sizes):
        raise _no_message()
    return header, sizes


def _is_size(size: object) -> bool:
    return isinstance(size, int) and 0 <= size <= _MOST_BLOB


def _no_message() -> DataError:
    return DataError("Something that is no message was written to the pipe between the processes.")
