"""Rows in the layout of the official repositories: JSON or JSONL, beside a folder of images."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from racro_eval.data import cells
from racro_eval.data.cells import Row
from racro_eval.data.data_roots import open_file, path_inside
from racro_eval.data.images import FileImage, Image
from racro_eval.data.json_members import DECODER, members
from racro_eval.data.layouts import ROW_KEY, Fields, require
from racro_eval.errors import DataError


def read_json(
    path: Path,
    folder: Path,
    fields: Fields,
    *,
    part: Mapping[str, str] | None = None,
    questions: Path | None = None,
) -> Iterator[tuple[dict[str, Any], list[Image]]]:
    """The rows of a file, each with its images. Raises DataError.

    folder: the folder that image paths are relative to. part: additional columns of all rows.
    questions: the file of question texts by index, if there is one.
    """
    texts = _questions(questions) if questions else None
    for number, record in enumerate(read_records(path), start=1):
        where = f"{path}, row {number}"
        if not isinstance(record, dict):
            raise DataError(f"{where}: an object was expected, not {record!r:.60}.")
        row = {**record, **(part or {})}
        if texts is not None and fields.question:
            require(row, fields.index_columns, where)
            index = cells.index(row, fields)
            if index not in texts:
                raise DataError(f"{questions} has no question for the index {index!r}.")
            row[fields.question] = texts[index]
        require(row, fields.required(), where)
        yield row, [FileImage(path_inside(folder, name, path)) for name in _images(row, fields)]


def read_records(path: Path) -> Iterator[Any]:
    """The records of a JSONL file, of a list, or of an object, whose keys become a column."""
    try:
        with io.TextIOWrapper(open_file(path), encoding="utf-8-sig") as file:
            if path.suffix == ".jsonl":
                yield from _lines(file, path)
            else:
                for key, row in members(file):
                    in_object = key is not None and isinstance(row, Mapping)
                    yield {ROW_KEY: key, **row} if in_object else row
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not valid JSON: {error}.") from error


def _lines(file: TextIO, path: Path) -> Iterator[Any]:
    for number, line in enumerate(file, start=1):
        if line.strip():
            try:
                yield DECODER.decode(line)
            except ValueError as error:
                raise DataError(f"{path}, line {number}: {error}.") from error


def _questions(path: Path) -> dict[str, str]:
    try:
        with open_file(path) as file:
            content = DECODER.decode(file.read().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} does not hold an object of questions by index.")
    return {str(key): cells.text(value) for key, value in content.items()}


def _images(row: Row, fields: Fields) -> list[str]:
    names: list[str] = []
    for column in fields.image_columns:
        value = cells.lookup(row, column)
        names += [str(item) for item in value] if isinstance(value, list) else [str(value or "")]
    return [name for name in names if name]
