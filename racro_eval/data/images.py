"""Images that stay on disk until an engine needs them.

An image object says where an image is stored, for example in a file or in a cell of a TSV; it holds
no pixels, so that memory does not grow with the benchmark. `read()` returns the encoded bytes
(JPEG, PNG, ...), and `decode()` converts them to RGB pixels. The images of a benchmark are
dataclasses of texts and numbers, because `stored_samples.py` writes them to disk.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from racro_eval.common.regular_files import read_regular
from racro_eval.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""The formats that are decoded, by Pillow's names. Pillow's other decoders must not be used: the
one for EPS starts Ghostscript."""
MAX_FILE_BYTES = 100 << 20
"""Size limit of an image file."""
MAX_PIXELS = 178_956_970
"""Pixel limit of an image: Pillow's own limit against decompression bombs."""
_SIGNATURES = {
    b"%!PS": "EPS",
    b"\xc5\xd0\xd3\xc6": "EPS",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"<?xml": "SVG or another XML",
    b"<!DOCTYPE": "HTML",
    b"<html": "HTML",
    b"8BPS": "PSD",
    b"\0\0\1\0": "ICO",
    b"icns": "ICNS",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"SIMPLE": "FITS",
    b"\xd7\xcd\xc6\x9a": "WMF",
    b"P4": "PBM",
    b"P5": "PGM",
    b"P6": "PPM",
    b"version https://git-lfs": "Git LFS pointer",
    b"PK\3\4": "ZIP",
    b"\x1f\x8b": "gzip",
}
"""First bytes → format, of files that are not decoded but may be found in place of an image."""


class Image(Protocol):
    """One encoded image, wherever it is stored."""

    @property
    def name(self) -> str:
        """Where the image is, for messages."""
        ...

    def read(self) -> bytes:
        """The encoded bytes. Raises DataError if they cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class FileImage:
    """An image file.

    >>> from racro_eval import FileImage
    >>> FileImage("dots.png").name
    'dots.png'
    """

    path: str

    @property
    def name(self) -> str:
        return self.path

    def read(self) -> bytes:
        try:
            return read_regular(self.path, MAX_FILE_BYTES)
        except (OSError, ValueError) as error:  # ValueError: no file can have this name
            why = error.strerror if isinstance(error, OSError) else error
            raise DataError(f"The image {self.path} cannot be read: {why}.") from error


@dataclass(frozen=True, slots=True)
class BytesImage:
    """An image that is already in memory, e.g. one given by a program.

    >>> from racro_eval import BytesImage
    >>> BytesImage(b"the bytes of a PNG", name="upload").read()
    b'the bytes of a PNG'
    """

    data: bytes
    name: str = "image"

    def read(self) -> bytes:
        return self.data


def digest(image: Image) -> str:
    """SHA-256 (hex) of the image's encoded bytes."""
    return hashlib.sha256(image.read()).hexdigest()


def decode(image: Image) -> PILImage:
    """The image as RGB pixels: transparent parts are white; of an animation, the first frame.

    Raises DataError, which names the image, if the bytes are not a readable image of `FORMATS`.
    """
    from PIL import Image as pillow
    from PIL import UnidentifiedImageError

    data = image.read()
    try:
        with pillow.open(io.BytesIO(data), formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > MAX_PIXELS:
                raise ValueError(f"{width} x {height} pixels are too many")
            opened.load()
            if opened.mode in ("RGBA", "LA", "PA") or "transparency" in opened.info:
                background = pillow.new("RGBA", opened.size, "white")
                return pillow.alpha_composite(background, opened.convert("RGBA")).convert("RGB")
            return opened.convert("RGB")
    except UnidentifiedImageError as error:
        raise DataError(
            f"The image {image.name} cannot be decoded: {_describe_format(data)}."
        ) from error
    except Exception as error:  # decoders raise many kinds of errors on damaged files
        why = str(error).rstrip(".") or type(error).__name__
        raise DataError(f"The image {image.name} cannot be decoded: {why}.") from error


def _describe_format(data: bytes) -> str:
    """What the bytes are, if they are not an image in one of `FORMATS`."""
    allowed = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[4:8] == b"ftyp":
        brand = start[8:12].decode("latin-1")
        return f"it is {'AVIF' if brand == 'avif' else 'HEIC or a video'}, not {allowed}"
    for signature, name in _SIGNATURES.items():
        if start[: len(signature)].lower() == signature.lower():
            return f"it is {name}, not {allowed}"
    return f"it is empty, not {allowed}" if not data else f"it is not {allowed}"
