"""The rows of a VLMEvalKit TSV with the places of their images.

An image is base64 in the row's `image` cell, a list of them, the `index` of the row whose image is
meant (or of one that refers on), or, where the cell is empty or there is no such column, a file
that `image_path` names. A row without any is kept: it is a text-only question. (VLMEvalKit drops
it; of the files known here only those have such rows whose questions need no image.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from racro_eval.data import cells
from racro_eval.data.images import FileImage, Image
from racro_eval.data.json_rows import inside
from racro_eval.data.layouts import TsvSource, require
from racro_eval.data.tsv import Record, TsvImage, is_reference, read_records, split_cell
from racro_eval.errors import DataError

_Places = list[Image | str]
"""Images, and the indices of rows whose images are meant."""


class _NotRead(LookupError):
    """A row's image is that of a row that was not read, or not yet."""


def read_tsv(
    path: Path, root: Path, source: TsvSource
) -> Iterator[tuple[dict[str, Any], list[Image]]]:
    """The rows of a TSV and the images of each, in file order. Raises DataError."""
    fields = source.fields
    needed = [name for name in fields.required() if name not in fields.image_columns]
    folder = root / source.images if source.images else path.parent
    places: dict[str, _Places] = {}
    waiting: deque[tuple[str, dict[str, Any]]] = deque()
    """The rows from the first one on whose image is that of a row further down."""
    for record in read_records(path):
        if not places:
            require(record.cells, needed, str(path))
            _require_images(record, source, path)
        index = cells.index(record.cells, fields)
        if index in places:
            raise DataError(f"{path}: the index {index!r} stands on two rows.")
        places[index] = _own_images(record, source, path, index) or _image_files(
            record, source, folder, path
        )
        waiting.append((index, {k: v for k, v in record.cells.items() if k != fields.image}))
        yield from _ready(waiting, places, path)
    if waiting:
        try:
            _resolve((waiting[0][0],), places, path)
        except _NotRead as missing:
            raise DataError(str(missing)) from None


def _ready(
    waiting: deque[tuple[str, dict[str, Any]]], places: Mapping[str, _Places], path: Path
) -> Iterator[tuple[dict[str, Any], list[Image]]]:
    """The first of the waiting rows, as far as all rows are read that their images are in."""
    while waiting:
        index, row = waiting[0]
        try:
            images = _resolve((index,), places, path)
        except _NotRead:
            return
        waiting.popleft()
        yield row, images


def _require_images(record: Record, source: TsvSource, path: Path) -> None:
    image = source.fields.image
    if isinstance(image, str) and source.fields.image_path not in record.cells:
        require(record.cells, [image], str(path))


def _resolve(rows: tuple[str, ...], places: Mapping[str, _Places], path: Path) -> list[Image]:
    """The images of the last of the rows, which the others have led to."""
    images: list[Image] = []
    for place in places[rows[-1]]:
        if not isinstance(place, str):
            images.append(place)
        elif place not in places:
            raise _NotRead(
                f"{path}, row {rows[0]}: there is no row {place!r} to take an image from."
            )
        elif place in rows:
            raise DataError(f"{path}, row {rows[0]}: its image refers back to row {place!r}.")
        else:
            images += _resolve((*rows, place), places, path)
    return images


def _own_images(record: Record, source: TsvSource, path: Path, index: str) -> _Places:
    column = source.fields.image
    if not isinstance(column, str) or column not in record.cells:
        return []
    try:
        items = split_cell(record.cells[column])
    except ValueError as error:
        raise DataError(
            f"{path}, row {index}: its list of images is not readable: {error}."
        ) from error
    position = list(record.cells).index(column)
    return [
        item
        if is_reference(item)
        else TsvImage(str(path), record.offset, record.length, position, number)
        for number, item in enumerate(items)
        if is_reference(item) or len(item) > (source.placeholder or 0)
    ]


def _image_files(record: Record, source: TsvSource, folder: Path, path: Path) -> _Places:
    if source.fields.image is None:
        return []
    cell = record.cells.get(source.fields.image_path, "")
    names = cells.literal(cell) if cell.lstrip().startswith("[") else [cell] if cell else []
    if not isinstance(names, list):
        raise DataError(
            f"{path}, record at byte {record.offset}: {cell!r:.60} is no list of files."
        )
    return [FileImage(inside(folder, str(name), path)) for name in names]
