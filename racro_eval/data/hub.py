"""Datasets of the Hugging Face hub: no script is run, rows and images stay in the mapped file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from racro_eval.data.images import FileImage, Image
from racro_eval.data.layouts import HuggingFaceSource
from racro_eval.errors import DataError, MissingError


@dataclass(frozen=True, slots=True)
class HubImage:
    """A cell of a dataset, taken from the memory-mapped table when it is read."""

    table: Any
    row: int
    column: str
    name: str

    def read(self) -> bytes:
        cell = self.table[self.row][self.column]
        if isinstance(cell, dict) and cell.get("bytes") is not None:
            return bytes(cell["bytes"])
        if isinstance(cell, dict) and cell.get("path"):
            return FileImage(Path(cell["path"])).read()
        raise DataError(f"The image in {self.name} cannot be read: the cell holds none.")


def read_dataset(
    where: str, source: HuggingFaceSource, part: Mapping[str, str]
) -> Iterator[tuple[dict[str, Any], list[Image]]]:
    """The rows of a dataset, without its image columns, and the images of each.

    where: the dataset's name on the hub, or the folder of a local copy. Raises MissingError.
    """
    import datasets

    config = source.config.format_map(part) if source.config else None
    split = source.split.format_map(part)
    try:
        table = datasets.load_dataset(
            where,
            config,
            split=split,
            revision=source.revision if where == source.dataset else None,
        )
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MissingError(
            f"The dataset {where} (split {split}) cannot be loaded: {reason}"
        ) from error
    columns = [name for name in source.fields.image_columns if name in table.column_names]
    for column in columns:
        table = table.cast_column(column, datasets.Image(decode=False))
    present = {column: table.data.column(column).is_valid().to_pylist() for column in columns}
    for number, row in enumerate(table.remove_columns(columns)):
        yield (
            row,
            [
                HubImage(table.select_columns(column), number, column, f"{where}, row {number}")
                for column in columns
                if present[column][number]
            ],
        )
