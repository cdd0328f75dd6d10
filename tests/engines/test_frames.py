"""Messages between the processes: whole, cut short, and none at all."""

from __future__ import annotations

import io
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racro_eval.engines.vllm.frames import Frame, read_frame, write_frame
from racro_eval.errors import DataError

HEADERS = st.fixed_dictionaries(
    {"id": st.text("aé\n\0", max_size=5), "error": st.none() | st.integers() | st.booleans()}
)


def written(header: dict[str, object], blobs: list[bytes]) -> bytes:
    pipe = io.BytesIO()
    write_frame(pipe, header, blobs)
    return pipe.getvalue()


def framed(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


@given(HEADERS, st.lists(st.binary(max_size=9), max_size=3))
def test_what_is_written_is_read(header: dict[str, object], blobs: list[bytes]) -> None:
    assert read_frame(io.BytesIO(written(header, blobs))) == Frame(header, tuple(blobs))


def test_a_truncated_message_is_none_wherever_it_is_cut() -> None:
    whole = written({"id": "7"}, [b"picture", b""])
    assert all(read_frame(io.BytesIO(whole[:cut])) is None for cut in range(len(whole)))


@pytest.mark.parametrize(
    "garbage",
    [
        b"INFO 11-25 12:00:00 a line of a log\n",
        b"\xff" * 64,
        framed(b"no JSON"),
        framed(b"[1]"),
        framed(b"7"),
        framed(b"{}"),
        framed(b"[" * 100_000),
        *(framed(json.dumps({"sizes": s}).encode()) for s in (3, [-1], ["a"], [2**60], [0.5])),
    ],
)
def test_anything_other_than_a_message_is_an_error(garbage: bytes) -> None:
    with pytest.raises(DataError, match="other than a message"):
        read_frame(io.BytesIO(garbage))


@given(st.binary())
def test_any_bytes_are_a_message_none_or_an_error(data: bytes) -> None:
    try:
        frame = read_frame(io.BytesIO(data))
    except DataError:
        return
    assert frame is None or isinstance(frame, Frame)
