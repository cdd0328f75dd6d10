"""VLMEvalKit's TSV, with images as base64 in cells; a file of any size is read in little memory.

One pass finds the offset of each record; an image is read from its record when it is needed. A cell
of up to 64 characters is not an image but a reference: the `index` of the row whose image is meant.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from racro_eval.common.regular_files import open_regular
from racro_eval.data.cells import parse_python_literal
from racro_eval.data.data_roots import open_file
from racro_eval.errors import DataError
from racro_eval.store.records import read_rows

_MAX_REFERENCE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Record:
    """A record: its offset and length in the file, in bytes, and its cells by column."""

    offset: int
    length: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class TsvImage:
    """An image in a cell: base64 text, or item number `item` of a list of base64 texts."""

    path: str
    offset: int
    length: int
    column: int
    item: int

    @property
    def name(self) -> str:
        return f"{self.path} (byte {self.offset}, image {self.item + 1})"

    def read(self) -> bytes:
        try:
            with open_regular(self.path) as file:
                file.seek(self.offset)
                record = io.BytesIO(file.read(self.length))
            # Lines as the file was read: `str.splitlines` also splits at other characters.
            lines = (line.decode("utf-8") for line in record)
            cell = next(read_rows(lines, delimiter="\t"))[self.column]
            return base64.b64decode(split_image_cell(cell)[self.item], validate=True)
        except (OSError, ValueError, IndexError, StopIteration, csv.Error) as error:
            raise DataError(f"The image in {self.name} cannot be read: {error}.") from error


def split_image_cell(cell: str) -> list[str]:
    """The items of an image cell, which holds one text or a Python list of texts.

    Raises ValueError if the list cannot be parsed.
    """
    if not cell.strip():
        return []
    if not cell.lstrip().startswith("["):
        return [cell]
    return [str(item) for item in parse_python_literal(cell.strip())]


def is_reference(item: str) -> bool:
    """Whether an item of an image cell names another row instead of holding an image."""
    return len(item) <= _MAX_REFERENCE_LENGTH


def read_records(path: Path) -> Iterator[Record]:
    """The records of a TSV in file order, one at a time. Raises DataError on a broken file."""
    with open_file(path) as file:
        position = 0

        def lines() -> Iterator[str]:
            nonlocal position
            for line in file:
                position += len(line)
                yield line.decode("utf-8")

        reader = read_rows(lines(), delimiter="\t")
        try:
            header = next(reader, None)
            if header is None:
                raise DataError(f"{path} is empty.")
            if not header:
                raise DataError(f"{path} begins with a blank line; its header was expected.")
            header[0] = header[0].removeprefix("\ufeff")
            for number, name in enumerate(header):
                if name in header[:number]:
                    raise DataError(f"{path} has two columns {name!r}.")
            start = position
            for cells in reader:
                if len(cells) != len(header):
                    raise DataError(
                        f"{path}, record at byte {start}: {len(cells)} fields, "
                        f"{len(header)} expected."
                    )
                cells_by_name = dict(zip(header, cells, strict=True))
                yield Record(start, position - start, cells_by_name)
                start = position
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(
                f"{path} is not a readable TSV near byte {position}: {error}."
            ) from error
