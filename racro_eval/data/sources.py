"""Locates the files of a benchmark, and reads its samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from racro_eval.common.registry import load_object
from racro_eval.data import cells, hub, questions
from racro_eval.data.cells import Row
from racro_eval.data.data_roots import (
    benchmark_cache,
    find_file,
    path_inside,
    require_file,
    search_folders,
)
from racro_eval.data.downloads import check_hashes, download
from racro_eval.data.images import Image
from racro_eval.data.json_rows import read_json
from racro_eval.data.layouts import (
    GENERATORS,
    GeneratedSource,
    Grouped,
    HuggingFaceSource,
    JsonSource,
    Source,
    StoredSource,
    TsvSource,
)
from racro_eval.data.questions import QuestionStyle
from racro_eval.data.sample import Sample
from racro_eval.data.spec import NATIVE, BenchmarkSpec
from racro_eval.data.tsv_rows import read_tsv
from racro_eval.errors import ConfigError, MissingError

Generator = Callable[[int, int], Iterator[tuple[Row, Image]]]
"""A function from a seed and a number of rows to the rows and their images."""


@dataclass(frozen=True, slots=True)
class Located:
    """A source whose files are on this machine.

    root: the folder that the source's paths are relative to.
    snapshot: the state of a dataset.
    """

    source: Source
    root: Path
    snapshot: hub.Snapshot | None = None

    @property
    def origin(self) -> str:
        """The name of the source in manifests; it has no paths of this machine."""
        if isinstance(self.source, GeneratedSource):
            return f"{self.source.generator}, seed {self.source.seed}"
        name = _local_name(self.source)
        return f"{name}@{self.snapshot.revision}" if self.snapshot else name

    @property
    def description(self) -> str:
        """The source and its folder, for messages."""
        if isinstance(self.source, GeneratedSource):
            return self.origin
        return f"{self.origin} in {self.root}"


def locate(spec: BenchmarkSpec, data_root: Path | None, *, offline: bool) -> Located:
    """The first source that is on this machine, else the first that can be downloaded.

    A generated source needs no files and is taken first, whatever its position in the list. Raises
    MissingError, which names the folders that were searched, and ChecksumError.
    """
    stored: list[StoredSource] = []
    for source in spec.sources:
        if isinstance(source, GeneratedSource):
            return Located(source, Path())
        stored.append(source)
    roots = search_folders(data_root)
    for source in stored:
        for root in roots:
            if located := _find(source, root):
                return located
    for source in stored if not offline else ():
        if located := _download(source):
            return located
    names = " or ".join(_local_name(source) for source in stored)
    where = ", ".join(str(root) for root in roots)
    raise MissingError(
        f"No file of {spec.name} is on this machine: looked for {names} in {where}. "
        "Name its folder with --data-root or RACRO_DATA"
        + (", or leave out --offline." if offline else ".")
    )


def read(spec: BenchmarkSpec, located: Located, style: QuestionStyle = "racro") -> Iterator[Sample]:
    """The samples of a located source, in file order. Raises DataError and ConfigError."""
    source = located.source
    fields = source.fields
    native = style == "native" or spec.question == NATIVE
    build = _native_builder(spec) if native else questions.BUILDERS[spec.question]
    for row, images in _rows(located):
        values = {name: cells.text(cells.lookup(row, name)) for name in source.where}
        if values != source.where:
            continue
        index = cells.index(row, fields)
        if index in source.skip:
            continue
        options = cells.options(row, fields)
        question = _question(row, source, options, raw=native)
        hint = cells.text(cells.lookup(row, fields.hint))
        meta = _meta(row, source, spec.multi_label)
        yield Sample(
            index=index,
            question=build(questions.QuestionParts(question, options, hint, meta)),
            images=tuple(images),
            options=options,
            answer=cells.answer(row, fields, options),
            meta=meta,
            rule=spec.rule_for(meta, options=bool(options)),
            scorer=spec.scorer,
        )


def _native_builder(spec: BenchmarkSpec) -> Callable[[questions.QuestionParts], str]:
    if spec.native is None:
        raise ConfigError(f"{spec.name} has no prompt of its own; leave out --question-style.")
    if isinstance(spec.native, str):
        return questions.NATIVE_BUILDERS[spec.native]
    return spec.native.render


def _question(row: Row, source: Source, options: Mapping[str, str], *, raw: bool) -> str:
    """The row's question in the layout of the benchmark's TSV; raw: without that layout."""
    column = source.fields.question
    text = cells.text(cells.lookup(row, column)) if column else ""
    if raw:
        return questions.bare_question(text) if source.composed else text
    return questions.COMPOSERS[source.compose](text, options) if source.compose else text


def _meta(row: Row, source: Source, multi_label: tuple[str, ...]) -> dict[str, str]:
    meta: dict[str, str] = {}
    for name, column in source.meta.items():
        if isinstance(column, Grouped):
            meta[name] = column.of(cells.text(cells.lookup(row, column.column)))
        elif name in multi_label:
            meta[name] = cells.labels_as_json(cells.lookup(row, column))
        else:
            meta[name] = cells.text(cells.lookup(row, column))
    return meta


def _local_name(source: StoredSource) -> str:
    return source.dataset if isinstance(source, HuggingFaceSource) else source.file


def _find(source: StoredSource, root: Path) -> Located | None:
    """The source, if all of its files are in a root. Raises ChecksumError and MissingError."""
    if isinstance(source, JsonSource):
        return Located(source, root) if _has_all_parts(source, root) else None
    if isinstance(source, HuggingFaceSource):
        if (root / source.dataset).is_dir():
            return Located(source, root, hub.local_snapshot(source, root / source.dataset))
        cached = hub.cached_snapshot(source) if root == benchmark_cache() else None
        return Located(source, root, cached) if cached else None
    path = find_file(source.file, root)
    if path:
        check_hashes(path, source.hashes)
    return Located(source, root) if path else None


def _download(source: StoredSource) -> Located | None:
    """Download the source into the cache; None if it states no URL.

    Raises MissingError and ChecksumError.
    """
    cache = benchmark_cache()
    if isinstance(source, HuggingFaceSource):
        snapshot = hub.hub_snapshot(source)
        hub.fetch(snapshot)
        return Located(source, cache, snapshot)
    if source.url:
        # Somebody else's YAML must not decide where on this machine a file is written.
        target = path_inside(cache, source.file, cache)
        download(source.url, Path(target), source.hashes)
        return Located(source, cache)
    return None


def _has_all_parts(source: JsonSource, root: Path) -> bool:
    names = [source.file.format_map(part) for part in source.each_part()]
    if not any(find_file(name, root) for name in names):
        return False
    names += [source.questions] if source.questions else []
    missing = [name for name in names if not find_file(name, root)]
    if missing:
        raise MissingError(
            f"{root} has only a part of the files: {missing[0]} is missing"
            + (f", and {len(missing) - 1} more." if len(missing) > 1 else ".")
        )
    if source.hashes:
        check_hashes(require_file(source.file, root), source.hashes)
    return True


def _rows(located: Located) -> Iterator[tuple[Row, list[Image]]]:
    root = located.root
    match located.source:
        case TsvSource() as source:
            return read_tsv(require_file(source.file, root), root, source)
        case JsonSource() as source:
            return _json_parts(source, root)
        case HuggingFaceSource():
            assert located.snapshot is not None, "a dataset is located with its state"
            return _dataset_parts(located.snapshot)
        case GeneratedSource() as source:
            return _generated_rows(source)


def _json_parts(source: JsonSource, root: Path) -> Iterator[tuple[Row, list[Image]]]:
    question_file = require_file(source.questions, root) if source.questions else None
    for part in source.each_part():
        path = require_file(source.file.format_map(part), root)
        folder = root / source.images.format_map(part)
        if not folder.is_dir():
            folder = path.parent  # the data root is the benchmark's own folder
        yield from read_json(path, folder, source.fields, part=part, questions=question_file)


def _dataset_parts(snapshot: hub.Snapshot) -> Iterator[tuple[Row, list[Image]]]:
    hub.fetch(snapshot)
    for part in snapshot.source.each_part():
        folder = snapshot.part_folder(part)
        yield from read_json(folder / hub.ROWS, folder, snapshot.source.fields, part=part)


def _generated_rows(source: GeneratedSource) -> Iterator[tuple[Row, list[Image]]]:
    generator: Generator = load_object(GENERATORS[source.generator])
    for row, image in generator(source.seed, source.count):
        yield row, [image]
