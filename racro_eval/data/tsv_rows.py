"""The rows of a VLMEvalKit TSV with the places of their images.

An image is base64 in the row's `image` cell, a list of them, the `index` of the row whose image is
meant (or of one that refers on), or, where the cell is empty or there is no such column, a file
that `image_path` names. A row without any is kept: it is a text-only question. (VLMEvalKit drops
it; of the files known here only those have such rows whose questions need no image.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from racro_eval.data import cells
from racro_eval.data.images import FileImage, Image
from racro_eval.data.json_rows import inside
from racro_eval.data.layouts import TsvSource, require
from racro_eval.data.references import Places, References
from racro_eval.data.tsv import Record, TsvImage, is_reference, read_records, split_cell
from racro_eval.errors import DataError


def read_tsv(
    path: Path, root: Path, source: TsvSource
) -> Iterator[tuple[dict[str, Any], list[Image]]]:
    """The rows of a TSV and the images of each, in file order. Raises DataError."""
    fields = source.fields
    needed = [name for name in fields.required() if name not in fields.image_columns]
    folder = root / source.images if source.images else path.parent
    references = References(str(path))
    first = True
    for record in read_records(path):
        if first:
            require(record.cells, needed, str(path))
            _require_images(record, source, path)
            first = False
        index = cells.index(record.cells, fields)
        places = _own_images(record, source, path, index)
        places = places or _image_files(record, source, folder, path)
        row = {name: cell for name, cell in record.cells.items() if name != fields.image}
        references.add(index, places, row)
        yield from references.ready()
    references.finish()


def _require_images(record: Record, source: TsvSource, path: Path) -> None:
    image = source.fields.image
    if isinstance(image, str) and source.fields.image_path not in record.cells:
        require(record.cells, [image], str(path))


def _own_images(record: Record, source: TsvSource, path: Path, index: str) -> Places:
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
        cells.text(item)
        if is_reference(item)
        else TsvImage(str(path), record.offset, record.length, position, number)
        for number, item in enumerate(items)
        if is_reference(item) or len(item) > (source.placeholder or 0)
    ]


def _image_files(record: Record, source: TsvSource, folder: Path, path: Path) -> Places:
    if source.fields.image is None:
        return []
    cell = record.cells.get(source.fields.image_path, "")
    names = cells.literal(cell) if cell.lstrip().startswith("[") else [cell] if cell else []
    if not isinstance(names, list):
        raise DataError(
            f"{path}, record at byte {record.offset}: {cell!r:.60} is no list of files."
        )
    return [FileImage(inside(folder, str(name), path)) for name in names]
