"""Pixels from bytes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from racro_eval.data.images import BytesImage, FileImage, decode, digest
from racro_eval.errors import DataError


def encoded(image: Image.Image, form: str = "PNG") -> BytesImage:
    buffer = io.BytesIO()
    image.save(buffer, form)
    return BytesImage(buffer.getvalue())


@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("RGB", (10, 20, 30), (10, 20, 30)),
        ("L", 99, (99, 99, 99)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),
        ("LA", (7, 0), (255, 255, 255)),
    ],
)
def test_every_mode_becomes_rgb_and_transparent_is_white(
    mode: str, colour: tuple[int, ...], seen: tuple[int, int, int]
) -> None:
    pixels = decode(encoded(Image.new(mode, (4, 4), colour)))
    assert pixels.mode == "RGB"
    assert pixels.getpixel((1, 1)) == seen


def test_the_digest_is_of_the_bytes() -> None:
    assert digest(BytesImage(b"a")) == digest(BytesImage(b"a", "another name"))
    assert digest(BytesImage(b"a")) != digest(BytesImage(b"b"))


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"x\.png cannot be decoded"):
        decode(FileImage(path))
