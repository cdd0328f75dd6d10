"""From a source in a benchmark's YAML to its samples: one reader per kind of source."""

from __future__ import annotations

import ast
import json
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from racro_eval.data import files, questions
from racro_eval.data.hub import read_dataset
from racro_eval.data.images import FileImage, Image
from racro_eval.data.sample import Sample
from racro_eval.data.spec import (
    BenchmarkSpec,
    Fields,
    GeneratedSource,
    HuggingFaceSource,
    JsonSource,
    Source,
    StoredSource,
    TsvSource,
    require,
)
from racro_eval.data.tsv import Record, TsvImage, is_reference, read_records, split_cell
from racro_eval.errors import DataError, MissingError

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Located:
    """A source that can be read now.

    location: a file's path, a local dataset's folder, a dataset's name on the hub, or for
    generated rows what they are generated from.
    root: the data root that the source's other paths are relative to.
    """

    source: Source
    location: str
    root: Path

    @property
    def origin(self) -> str:
        """What the manifest says of the place: no paths of this machine."""
        if isinstance(self.source, GeneratedSource):
            return self.location
        return _local_name(self.source)


def locate(spec: BenchmarkSpec, data_root: Path | None, *, offline: bool) -> Located:
    """The first source that is on this machine, else the first that can be fetched.

    A generated source is on every machine, wherever it stands in the list. Raises MissingError,
    saying where was looked, and ChecksumError.
    """
    stored: list[StoredSource] = []
    for source in spec.sources:
        if isinstance(source, GeneratedSource):
            return Located(source, f"{source.generator}, seed {source.seed}", Path())
        stored.append(source)
    roots = files.data_roots(data_root)
    for source in stored:
        found = files.find(_local_name(source), roots)
        if found:
            root, path = found
            if not isinstance(source, HuggingFaceSource):
                files.check_md5(path, source.md5)
            return Located(source, str(path), root)
    cache = files.cache_folder()
    for source in stored if not offline else ():
        if isinstance(source, HuggingFaceSource):
            return Located(source, source.dataset, cache)
        if source.url:
            path = files.download(source.url, cache / source.file, source.md5)
            return Located(source, str(path), cache)
    names = " or ".join(_local_name(source) for source in stored)
    where = ", ".join(str(root) for root in roots)
    raise MissingError(
        f"No file of {spec.name} is on this machine: looked for {names} in {where}. "
        "Give its folder with --data-root or RACRO_DATA"
        + (", or leave out --offline." if offline else ".")
    )


def read(spec: BenchmarkSpec, located: Located) -> Iterator[Sample]:
    """The samples of a located source, in file order. Raises DataError."""
    source = located.source
    build = questions.BUILDERS[spec.question]
    for row, images in _rows(located):
        options = _options(row, source.fields)
        question = _text(row[source.fields.question])
        if source.compose:
            question = questions.COMPOSERS[source.compose](question, options)
        meta = {name: _text(row.get(column)) for name, column in source.meta.items()}
        yield Sample(
            index=_text(row[source.fields.index]),
            question=build(question, options),
            images=tuple(images),
            options=options,
            answer=_text(row[source.fields.answer]),
            meta=meta,
            rule=spec.rule_for(meta, options=bool(options)),
        )


def _local_name(source: StoredSource) -> str:
    return source.dataset if isinstance(source, HuggingFaceSource) else source.file


def _rows(located: Located) -> Iterator[tuple[Row, list[Image]]]:
    match located.source:
        case TsvSource() as source:
            return _tsv_rows(Path(located.location), source)
        case JsonSource() as source:
            return _json_rows(Path(located.location), located.root, source)
        case HuggingFaceSource() as source:
            return read_dataset(located.location, source)
        case GeneratedSource() as source:
            return _generated_rows(source)


def _tsv_rows(path: Path, source: TsvSource) -> Iterator[tuple[Row, list[Image]]]:
    """Rows keep their text and the places of their images; a cell may refer to another row's."""
    column = source.fields.image
    rows: dict[str, tuple[Row, list[TsvImage | str]]] = {}
    for record in read_records(path):
        require(record.cells, source.fields, str(path))
        index = record.cells[source.fields.index]
        if index in rows:
            raise DataError(f"{path}: the index {index!r} stands on two rows.")
        row: Row = {key: value for key, value in record.cells.items() if key != column}
        images = _tsv_images(record, column, path, index) if isinstance(column, str) else []
        rows[index] = (row, images)
    for index, (row, images) in rows.items():
        resolved: list[Image] = []
        for image in images:
            if isinstance(image, TsvImage):
                resolved.append(image)
            elif image in rows:
                resolved += [own for own in rows[image][1] if isinstance(own, TsvImage)]
            else:
                raise DataError(
                    f"{path}, row {index}: there is no row {image!r} to take an image from."
                )
        yield row, resolved


def _tsv_images(record: Record, column: str, path: Path, index: str) -> list[TsvImage | str]:
    """The places of a record's own images, and the indices of rows whose image is meant."""
    try:
        items = split_cell(record.cells[column])
    except (ValueError, SyntaxError) as error:
        raise DataError(
            f"{path}, row {index}: its list of images is not readable: {error}."
        ) from error
    position = list(record.cells).index(column)
    return [
        item
        if is_reference(item)
        else TsvImage(path, record.offset, record.length, position, number)
        for number, item in enumerate(items)
    ]


def _json_rows(path: Path, root: Path, source: JsonSource) -> Iterator[tuple[Row, list[Image]]]:
    folder = root / source.images
    if not folder.is_dir():
        folder = path.parent  # the data root is the benchmark's own folder
    for number, row in enumerate(_json_records(path), start=1):
        if not isinstance(row, dict):
            raise DataError(f"{path}, row {number}: an object was expected, not {row!r:.60}.")
        require(row, source.fields, f"{path}, row {number},")
        yield (
            row,
            [FileImage(_inside(folder, name, path)) for name in _image_values(row, source.fields)],
        )


def _json_records(path: Path) -> Iterator[Any]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            if path.suffix == ".jsonl":
                for number, line in enumerate(file, start=1):
                    if line.strip():
                        try:
                            yield json.loads(line)
                        except json.JSONDecodeError as error:
                            raise DataError(f"{path}, line {number}: {error}.") from error
                return
            content = json.load(file)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not valid JSON: {error}.") from error
    yield from content.values() if isinstance(content, dict) else content


def _inside(folder: Path, name: str, path: Path) -> Path:
    """A row's image path. It must stay in the folder: a benchmark file is not to be trusted."""
    target = folder / name
    if not target.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{path}: the image path {name!r} leads out of {folder}.")
    return target


def _generated_rows(source: GeneratedSource) -> Iterator[tuple[Row, list[Image]]]:
    from racro_eval.demo import rows

    for row, image in rows.rows(source.seed, source.count):
        yield row, [image]


def _image_columns(fields: Fields, present: Iterable[str]) -> list[str]:
    have = set(present)
    return [column for column in fields.image_columns if column in have]


def _image_values(row: Row, fields: Fields) -> list[str]:
    values: list[str] = []
    for column in _image_columns(fields, row):
        value = row[column]
        values += [str(item) for item in value] if isinstance(value, list) else [str(value or "")]
    return [value for value in values if value]


def _options(row: Row, fields: Fields) -> dict[str, str]:
    """Letter → text. A missing option is an empty cell; the texts "None" and "NA" are options."""
    if fields.options is None:
        return {}
    if isinstance(fields.options, tuple):
        texts = {letter: _text(row.get(letter)) for letter in fields.options}
        return {letter: text for letter, text in texts.items() if text}
    value = row[fields.options]
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value) if value.strip() else []
        except (ValueError, SyntaxError) as error:
            raise DataError(
                f"Row {row[fields.index]}: its options are not a list: {value!r:.60}."
            ) from error
    items = [_text(item) for item in value or []]
    return dict(zip(string.ascii_uppercase, items, strict=False))


def _text(value: Any) -> str:
    """A cell as text. Lists and objects become JSON, nothing becomes the empty text."""
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
