"""Messages between two processes of ours: a JSON header and raw bytes, over a pipe.

Images travel as the bytes they are. Nothing is pickled: a message can do nothing but be read.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

_LENGTH = struct.Struct("<Q")


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
    """Receive a message; None if the other side has closed the pipe or is gone."""
    prefix = pipe.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        return None
    text = pipe.read(_LENGTH.unpack(prefix)[0])
    try:
        header = json.loads(text)
    except ValueError:  # the other side died in the middle of it
        return None
    blobs = tuple(pipe.read(size) for size in header.pop("sizes"))
    return Frame(header, blobs)
