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

from racro_eval.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage


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
    """An image file."""

    path: str

    @property
    def name(self) -> str:
        return self.path

    def read(self) -> bytes:
        try:
            with open(self.path, "rb") as file:  # a Path for each image would take its time
                return file.read()
        except (OSError, ValueError) as error:  # a ValueError for a name that none can have
            why = error.strerror if isinstance(error, OSError) else error
            raise DataError(f"The image {self.path} cannot be read: {why}.") from error


@dataclass(frozen=True, slots=True)
class BytesImage:
    """An image that is already in memory, e.g. one given by a program."""

    data: bytes
    name: str = "image"

    def read(self) -> bytes:
        return self.data


def digest(image: Image) -> str:
    """SHA-256 (hex) of the image's encoded bytes."""
    return hashlib.sha256(image.read()).hexdigest()


def decode(image: Image) -> PILImage:
    """The image as RGB pixels. Transparent parts become white, as on paper.

    Raises DataError with the image's name if the bytes are not a readable image.
    """
    from PIL import Image as pillow

    data = image.read()
    try:
        with pillow.open(io.BytesIO(data)) as opened:
            opened.load()
            if opened.mode in ("RGBA", "LA", "PA") or "transparency" in opened.info:
                paper = pillow.new("RGBA", opened.size, "white")
                return pillow.alpha_composite(paper, opened.convert("RGBA")).convert("RGB")
            return opened.convert("RGB")
    except (OSError, SyntaxError, ValueError, pillow.DecompressionBombError) as error:
        raise DataError(f"The image {image.name} cannot be decoded: {error}.") from error
