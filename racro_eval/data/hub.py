"""Datasets of the Hugging Face hub, or local copies of one: streamed once into plain files.

Each row is written to `rows.jsonl` in the user cache, beside its images: this is the layout of the
official repositories, and is read by the same code. A run reads every image several times and in
any order, which a stream does not allow; memory holds one row, and there is no second copy in Arrow
format. Each part (configuration and split) is either complete or absent. Scripts of a dataset are
never run: the library does not support them from version 4 on.
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
from racro_eval.data.data_roots import benchmark_cache
from racro_eval.data.downloads import download_lock
from racro_eval.data.layouts import HuggingFaceSource
from racro_eval.errors import DataError, MissingError

ROWS = "rows.jsonl"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of a dataset.

    location: its name on the hub, or the folder of a local copy. revision: the hub's commit, or
    `local-` and a hash of the names, sizes and modification times of the copy's files.
    """

    source: HuggingFaceSource
    location: str
    revision: str

    @property
    def folder(self) -> Path:
        """The folder of its parts in the cache."""
        return _folder(self.source) / self.revision

    def part_folder(self, part: Mapping[str, str]) -> Path:
        """The folder of the rows and images of a part."""
        config, split = _config_and_split(self.source, part)
        return self.folder / f"{config or 'default'}-{split}".replace("/", "_")

    @property
    def complete(self) -> bool:
        """Whether every part is in the cache."""
        parts = self.source.each_part()
        return all((self.part_folder(part) / ROWS).exists() for part in parts)


def local_snapshot(source: HuggingFaceSource, folder: Path) -> Snapshot:
    """The state of a local copy."""
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            stat = path.stat()
            name = path.relative_to(folder).as_posix()
            state.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return Snapshot(source, str(folder), f"local-{state.hexdigest()[:16]}")


def cached_snapshot(source: HuggingFaceSource) -> Snapshot | None:
    """The newest complete snapshot of a hub dataset in the cache; a pinned revision must match."""
    folders = [path for path in _folder(source).glob("*") if not path.name.startswith("local-")]
    for path in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True):
        snapshot = Snapshot(source, source.dataset, path.name)
        if snapshot.complete and source.revision in (None, path.name):
            return snapshot
    return None


def hub_snapshot(source: HuggingFaceSource) -> Snapshot:
    """The dataset's current revision on the hub, or the pinned one. Raises MissingError."""
    from huggingface_hub import HfApi

    try:
        info = HfApi().dataset_info(source.dataset, revision=source.revision, timeout=60)
    except Exception as error:  # the HTTP library differs between versions of the hub's client
        raise MissingError(
            f"The dataset {source.dataset} cannot be looked up on the hub ({_reason(error)}). "
            "--data-root takes a local copy."
        ) from error
    return Snapshot(source, source.dataset, info.sha or source.revision or "main")


def fetch(snapshot: Snapshot) -> None:
    """Download the parts that are not in the cache yet. Raises MissingError."""
    for part in snapshot.source.each_part():
        target = snapshot.part_folder(part)
        if not (target / ROWS).exists():
            _export(snapshot, part, target)


def _folder(source: HuggingFaceSource) -> Path:
    return benchmark_cache() / "hub" / source.dataset.replace("/", "--")


def _config_and_split(source: HuggingFaceSource, part: Mapping[str, str]) -> tuple[str | None, str]:
    config = source.config.format_map(part) if source.config else None
    return config, source.split.format_map(part)


def _export(snapshot: Snapshot, part: Mapping[str, str], target: Path) -> None:
    """Write a part's images and rows to a temporary folder, renamed when it is complete."""
    from tqdm import tqdm

    with download_lock(target):
        if (target / ROWS).exists():
            return
        temporary = target.with_name(f".{target.name}.part")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        rows = tqdm(
            _stream(snapshot, part),
            desc=printable(f"{snapshot.location} {target.name}"),
            unit=" rows",
        )
        try:
            with (temporary / ROWS).open("w", encoding="utf-8") as file:
                for number, row in enumerate(rows):
                    plain = _without_images(row, snapshot.source, number, temporary)
                    file.write(json.dumps(plain, ensure_ascii=False, default=str) + "\n")
            temporary.replace(target)
        except OSError as error:
            raise MissingError(f"{temporary} cannot be written: {error.strerror}.") from error


def _stream(snapshot: Snapshot, part: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The rows of a part. Image cells hold encoded bytes; image columns not in use are left out."""
    import datasets

    config, split = _config_and_split(snapshot.source, part)
    on_hub = snapshot.location == snapshot.source.dataset
    try:
        stream = datasets.load_dataset(
            snapshot.location,
            config,
            split=split,
            revision=snapshot.revision if on_hub else None,
            streaming=True,
        )
        features = stream.features or {}
        images = [n for n, feature in features.items() if isinstance(feature, datasets.Image)]
        for name in images:
            stream = stream.cast_column(name, datasets.Image(decode=False))
        unused = set(images) - set(snapshot.source.fields.image_columns)
        for row in stream:
            yield {name: cell for name, cell in row.items() if name not in unused}
    except Exception as error:  # the library raises many kinds, also those of pyarrow
        raise MissingError(
            f"The dataset {snapshot.location} (split {split}) cannot be loaded: {_reason(error)}"
        ) from error


def _without_images(
    row: Mapping[str, Any], source: HuggingFaceSource, number: int, folder: Path
) -> dict[str, Any]:
    """Write a row's images into the folder; returns the row with file names in their place."""
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
