"""Images that stay on disk until an engine needs them.

An image is a place, not pixels: a file, a cell of a TSV, a cell of a dataset. `read()` gives the
encoded bytes (JPEG, PNG, ...), `decode()` turns bytes into RGB pixels. Memory therefore does not
grow with the benchmark. A benchmark's images are dataclasses of texts and numbers, so that
`stored_samples.py` can write them down.
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
"""What is decoded, by Pillow's names. No other decoder of Pillow's may see a file: the one for EPS
starts Ghostscript."""
LARGEST_FILE = 100 << 20
"""Bytes of an image file."""
MOST_PIXELS = 178_956_970
"""Of one image; Pillow's own limit against files of a few bytes that fill the memory."""
_OTHER_FORMATS = {
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
"""How files begin that are sometimes taken for images → what they are."""


class Image(Protocol):
    """A place that holds one encoded image."""

    @property
    def name(self) -> str:
        """Where the image is, for people."""
        ...

    def read(self) -> bytes:
        """The encoded bytes. Raises DataError if they cannot be had."""
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
            return read_regular(self.path, LARGEST_FILE)
        except (OSError, ValueError) as error:  # a ValueError for a name that none can have
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
    """The image as RGB pixels; of an animation, the first. Transparent parts become white, as on
    paper.

    Raises DataError with the image's name if the bytes are no readable image of one of `FORMATS`.
    """
    from PIL import Image as pillow
    from PIL import UnidentifiedImageError

    data = image.read()
    try:
        with pillow.open(io.BytesIO(data), formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > MOST_PIXELS:
                raise ValueError(f"{width} x {height} pixels are too many")
            opened.load()
            if opened.mode in ("RGBA", "LA", "PA") or "transparency" in opened.info:
                paper = pillow.new("RGBA", opened.size, "white")
                return pillow.alpha_composite(paper, opened.convert("RGBA")).convert("RGB")
            return opened.convert("RGB")
    except UnidentifiedImageError as error:
        raise DataError(f"The image {image.name} cannot be decoded: {_kind(data)}.") from error
    except Exception as error:  # decoders raise what they like on a file that is damaged
        why = str(error).rstrip(".") or type(error).__name__
        raise DataError(f"The image {image.name} cannot be decoded: {why}.") from error


def _kind(data: bytes) -> str:
    """What bytes are that no decoder takes."""
    allowed = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[4:8] == b"ftyp":
        brand = start[8:12].decode("latin-1")
        return f"it is {'AVIF' if brand == 'avif' else 'HEIC or a video'}, not {allowed}"
    for begin, name in _OTHER_FORMATS.items():
        if start.startswith(begin) or start[: len(begin)].lower() == begin.lower():
            return f"it is {name}, not {allowed}"
    return f"it is empty, not {allowed}" if not data else f"it is not {allowed}"
