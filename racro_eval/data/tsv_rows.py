"""The rows of a VLMEvalKit TSV, each with its images.

The `image` cell of a row holds base64, a list of base64 texts, or the `index` of another row whose
images are meant. If the cell is empty or there is no such column, `image_path` names a file. A row
without any image is kept as a text-only question. (VLMEvalKit drops such rows; the published files
that have them need no image for their questions.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from racro_eval.data import cells
from racro_eval.data.data_roots import path_inside
from racro_eval.data.images import FileImage, Image
from racro_eval.data.layouts import TsvSource, require
from racro_eval.data.references import ImageItems, References
from racro_eval.data.tsv import Record, TsvImage, is_reference, read_records, split_image_cell
from racro_eval.errors import DataError


def read_tsv(
    path: Path, root: Path, source: TsvSource
) -> Iterator[tuple[dict[str, Any], list[Image]]]:
    """The rows of a TSV in file order, each with its images. Raises DataError."""
    fields = source.fields
    needed = [name for name in fields.required() if name not in fields.image_columns]
    folder = root / source.images if source.images else path.parent
    references = References(str(path))
    first = True
    for record in read_records(path):
        if first:
            require(record.cells, needed, str(path))
            _require_image_column(record, source, path)
            first = False
        index = cells.index(record.cells, fields)
        items = _items_of_cell(record, source, path, index)
        items = items or _image_files(record, source, folder, path)
        row = {name: cell for name, cell in record.cells.items() if name != fields.image}
        references.add(index, items, row)
        yield from references.ready()
    references.finish()


def _require_image_column(record: Record, source: TsvSource, path: Path) -> None:
    image = source.fields.image
    if isinstance(image, str) and source.fields.image_path not in record.cells:
        require(record.cells, [image], str(path))


def _items_of_cell(record: Record, source: TsvSource, path: Path, index: str) -> ImageItems:
    column = source.fields.image
    if not isinstance(column, str) or column not in record.cells:
        return []
    try:
        items = split_image_cell(record.cells[column])
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


def _image_files(record: Record, source: TsvSource, folder: Path, path: Path) -> ImageItems:
    if source.fields.image is None:
        return []
    cell = record.cells.get(source.fields.image_path, "")
    names = cells.parse_literal(cell) if cell.lstrip().startswith("[") else [cell] if cell else []
    if not isinstance(names, list):
        raise DataError(
            f"{path}, record at byte {record.offset}: {cell!r:.60} is not a list of files."
        )
    return [FileImage(path_inside(folder, str(name), path)) for name in names]
