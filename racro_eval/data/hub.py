"""Datasets of the Hugging Face hub, or local copies of one: streamed once into plain files.

A dataset goes, row by row, into the user cache as `rows.jsonl` beside its images: the layout of the
official repositories, which is then read like theirs. A run needs every image several times and in
any order, which a stream cannot give; memory holds one row, and there is no second copy in Arrow.
Each part (configuration and split) is whole or not there. No script of a dataset is ever run: from
version 4 on the library cannot.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from racro_eval.common.printable import printable
from racro_eval.data import files
from racro_eval.data.layouts import HuggingFaceSource
from racro_eval.errors import DataError, MissingError

ROWS = "rows.jsonl"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of a dataset.

    where: its name on the hub, or the folder of a local copy. revision: the hub's commit, or
    `local-` and a hash of the copy's file names, sizes and times.
    """

    source: HuggingFaceSource
    where: str
    revision: str

    @property
    def folder(self) -> Path:
        """Where its parts are in the cache."""
        return _folder(self.source) / self.revision

    def part_folder(self, part: Mapping[str, str]) -> Path:
        """Where the rows and images of a part are."""
        config, split = _names(self.source, part)
        return self.folder / f"{config or 'default'}-{split}".replace("/", "_")

    @property
    def whole(self) -> bool:
        """Whether every part is in the cache."""
        parts = self.source.each_part()
        return all((self.part_folder(part) / ROWS).exists() for part in parts)


def local_snapshot(source: HuggingFaceSource, folder: Path) -> Snapshot:
    """The state of a local copy."""
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            facts = path.stat()
            name = path.relative_to(folder).as_posix()
            state.update(f"{name}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return Snapshot(source, str(folder), f"local-{state.hexdigest()[:16]}")


def cached_snapshot(source: HuggingFaceSource) -> Snapshot | None:
    """The newest whole state of a dataset of the hub in the cache, or of the pinned revision."""
    folders = [path for path in _folder(source).glob("*") if not path.name.startswith("local-")]
    for path in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True):
        snapshot = Snapshot(source, source.dataset, path.name)
        if snapshot.whole and source.revision in (None, path.name):
            return snapshot
    return None


def hub_snapshot(source: HuggingFaceSource) -> Snapshot:
    """The dataset's state on the hub now, or the pinned one. Raises MissingError."""
    from huggingface_hub import HfApi

    try:
        facts = HfApi().dataset_info(source.dataset, revision=source.revision, timeout=60)
    except Exception as error:  # of whichever HTTP library the hub's client has this year
        raise MissingError(
            f"The dataset {source.dataset} cannot be looked up on the hub ({_reason(error)}). "
            "--data-root takes a local copy."
        ) from error
    return Snapshot(source, source.dataset, facts.sha or source.revision or "main")


def fetch(snapshot: Snapshot) -> None:
    """Bring all parts into the cache; those that are there stay. Raises MissingError."""
    for part in snapshot.source.each_part():
        target = snapshot.part_folder(part)
        if not (target / ROWS).exists():
            _export(snapshot, part, target)


def _folder(source: HuggingFaceSource) -> Path:
    return files.cache_folder() / "hub" / source.dataset.replace("/", "--")


def _names(source: HuggingFaceSource, part: Mapping[str, str]) -> tuple[str | None, str]:
    config = source.config.format_map(part) if source.config else None
    return config, source.split.format_map(part)


def _export(snapshot: Snapshot, part: Mapping[str, str], target: Path) -> None:
    """Write a part's images and rows into a folder that appears when it is complete."""
    from tqdm import tqdm

    with files.alone(target):
        if (target / ROWS).exists():
            return
        making = target.with_name(f".{target.name}.part")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        rows = tqdm(
            _stream(snapshot, part), desc=printable(f"{snapshot.where} {target.name}"), unit=" rows"
        )
        try:
            with (making / ROWS).open("w", encoding="utf-8") as file:
                for number, row in enumerate(rows):
                    plain = _without_images(row, snapshot.source, number, making)
                    file.write(json.dumps(plain, ensure_ascii=False, default=str) + "\n")
            making.replace(target)
        except OSError as error:
            raise MissingError(f"{making} cannot be written: {error.strerror}.") from error


def _stream(snapshot: Snapshot, part: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The rows of a part; image cells hold the encoded bytes, those of no use are left out."""
    import datasets

    config, split = _names(snapshot.source, part)
    hub = snapshot.where == snapshot.source.dataset
    try:
        stream = datasets.load_dataset(
            snapshot.where,
            config,
            split=split,
            revision=snapshot.revision if hub else None,
            streaming=True,
        )
        features = stream.features or {}
        images = [n for n, feature in features.items() if isinstance(feature, datasets.Image)]
        for name in images:
            stream = stream.cast_column(name, datasets.Image(decode=False))
        unused = set(images) - set(snapshot.source.fields.image_columns)
        for row in stream:
            yield {name: cell for name, cell in row.items() if name not in unused}
    except Exception as error:  # of that library, of datasets, of pyarrow
        raise MissingError(
            f"The dataset {snapshot.where} (split {split}) cannot be loaded: {_reason(error)}"
        ) from error


def _without_images(
    row: Mapping[str, Any], source: HuggingFaceSource, number: int, folder: Path
) -> dict[str, Any]:
    """The row with the names of its image files, which are written into the folder."""
    plain = dict(row)
    for column in source.fields.image_columns:
        cell = plain.get(column)
        if not isinstance(cell, Mapping):
            continue
        data, path = cell.get("bytes"), cell.get("path")
        if data is None:
            raise DataError(f"{source.dataset}, row {number}: the image in {column} has no bytes.")
        suffix = re.search(r"\.[a-z0-9]{1,5}$", (path or "").lower())
        name = f"{number:06d}-{column}{suffix.group() if suffix else ''}"
        (folder / name).write_bytes(data)
        plain[column] = name
    return plain


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
