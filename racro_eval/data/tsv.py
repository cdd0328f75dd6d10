"""VLMEvalKit's TSV: rows of any size, images as base64 in cells, read without holding the file.

One pass notes where each record lies; an image is read from its record when it is asked for. A cell
of up to 64 characters is not an image but the `index` of the row whose image is meant.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from racro_eval.common.regular_files import open_regular
from racro_eval.data import files
from racro_eval.data.cells import python_literal
from racro_eval.errors import DataError
from racro_eval.store.records import read_rows

_REFERENCE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Record:
    """Where a record lies in the file (bytes), and its cells."""

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
            # In the lines in which the file was read: those of `str.splitlines` end elsewhere too.
            lines = (line.decode("utf-8") for line in record)
            cell = next(read_rows(lines, delimiter="\t"))[self.column]
            return base64.b64decode(split_cell(cell)[self.item], validate=True)
        except (OSError, ValueError, IndexError, StopIteration, csv.Error) as error:
            raise DataError(f"The image in {self.name} cannot be read: {error}.") from error


def split_cell(cell: str) -> list[str]:
    """The images of a cell: a Python list of texts, or the one text that it is.

    Raises ValueError on a list that is none.
    """
    if not cell.strip():
        return []
    if not cell.lstrip().startswith("["):
        return [cell]
    return [str(item) for item in python_literal(cell.strip())]


def is_reference(item: str) -> bool:
    """Whether an image cell names another row instead of holding an image."""
    return len(item) <= _REFERENCE_LENGTH


def read_records(path: Path) -> Iterator[Record]:
    """The records of a TSV in file order, one at a time. Raises DataError on a broken file."""
    with files.opened(path) as file:
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
