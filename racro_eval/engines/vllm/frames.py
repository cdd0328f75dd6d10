"""Messages between two of our processes over a pipe: a JSON header and raw bytes.

Images are sent as the bytes of their files. Nothing is pickled, so no message can run code.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from racro_eval.errors import DataError

_LENGTH = struct.Struct("<Q")
_MAX_HEADER_BYTES = 1 << 30
_MAX_BLOB_BYTES = 1 << 32
"""A greater length is garbage, and must not become an allocation."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: the fields of its header, and attached byte strings."""

    header: dict[str, Any]
    blobs: tuple[bytes, ...] = ()


def write_frame(pipe: BinaryIO, header: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
    """Send a message. Raises OSError if the reader has closed the pipe."""
    text = json.dumps({"sizes": [len(blob) for blob in blobs], **header}).encode()
    pipe.write(b"".join([_LENGTH.pack(len(text)), text, *blobs]))
    pipe.flush()


def read_frame(pipe: BinaryIO) -> Frame | None:
    """Receive a message; None if the pipe ends, even in the middle of a message.

    Raises DataError if something other than a message was written to the pipe.
    """
    prefix = pipe.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(prefix)
    if length > _MAX_HEADER_BYTES:
        raise _not_a_message()
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
        raise _not_a_message() from error
    sizes = header.pop("sizes", None) if isinstance(header, dict) else None
    if not isinstance(sizes, list) or not all(_is_size(size) for size in sizes):
        raise _not_a_message()
    return header, sizes


def _is_size(size: object) -> bool:
    return isinstance(size, int) and 0 <= size <= _MAX_BLOB_BYTES


def _not_a_message() -> DataError:
    return DataError(
        "Something other than a message was written to the pipe between the processes."
    )
