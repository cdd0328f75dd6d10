"""The hash of the whole content of a model folder. A file is read and hashed only once.

The hash of a file is stored in the user's cache under the file's path, and is valid while size,
modification times, inode and device stay the same. If the cache is damaged or cannot be written,
the file is read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from racro_eval.errors import ConfigError, DataError, MissingError
from racro_eval.store.atomic import write_atomically

_NO_TEXT = (
    ".*", "*.md", "*.log", "LICENSE*", "NOTICE*", "*.png", "*.jpg", "*.pdf",
    "optimizer*", "scheduler.pt", "rng_state*", "scaler.pt", "trainer_state.json",
    "training_args.bin", "events.out.*",
)  # fmt: skip
"""Files of a model folder that no engine reads: documents, and the state of a training."""
_NO_TEXT_FOLDERS = (".*", "checkpoint-*", "global_step*", "runs", "logs", "__pycache__")
_CHUNK = 1 << 22
_SHOWN_AFTER_S = 2
_TICK_S = 0.1
"""Two changes of a file within this time may have the same modification time."""
_HASH = re.compile(r"[0-9a-f]{64}")


def folder_hash(folder: Path) -> str:
    """A hash of names and contents of a model folder's files, as 16 hex digits.

    Files that are known not to change any text (`_NO_TEXT`) are left out. Raises MissingError for a
    file that cannot be read, DataError for one that changes while it is read.
    """
    paths = sorted(_files(folder), key=lambda path: path.relative_to(folder).as_posix())
    state = hashlib.sha256()
    with _Progress(folder, sum(path.stat().st_size for path in paths)) as progress:
        for path in paths:
            name = path.relative_to(folder).as_posix()
            line = f"{name}\0{file_hash(path, progress)}\n"
            state.update(line.encode("utf-8", "surrogateescape"))
    return state.hexdigest()[:16]


def _files(folder: Path) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        raise MissingError(f"{error.filename} cannot be read: {error.strerror}.") from error

    for place, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not _matches(name, _NO_TEXT_FOLDERS)]
        paths = (Path(place, name) for name in names if not _matches(name, _NO_TEXT))
        yield from (path for path in paths if os.path.isfile(path))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def file_hash(path: Path, progress: _Progress | None = None) -> str:
    """The SHA-256 of a file, which is read only if its hash is not in the cache.

    Raises MissingError if it cannot be read, DataError if it changes while it is read.
    """
    try:
        state = _state(path)
        cache_file = _cache_file(path)
        digest = _cached_hash(cache_file, state)
        if digest is None:
            digest = _computed_hash(path, state, progress)
            with contextlib.suppress(ConfigError):
                write_atomically(cache_file, [json.dumps(state | {"sha256": digest}).encode()])
        elif progress:
            progress.add(state["size"])
        return digest
    except OSError as error:
        raise MissingError(f"{path} cannot be read: {error.strerror or error}.") from error


def _computed_hash(path: Path, state: dict[str, Any], progress: _Progress | None) -> str:
    """The hash of a file's content. Raises DataError if its state is not `state` any more."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            if progress:
                progress.add(len(chunk))
    if abs(time.time_ns() - state["ctime_ns"]) < _TICK_S * 1_000_000_000:
        time.sleep(_TICK_S)  # so that a later change has another modification time
    after = _state(path)
    if any(after[name] != state[name] for name in ("size", "mtime_ns", "inode", "device")):
        raise DataError(
            f"{path} changed while it was read: is the model still being written? "
            "Start again when it is complete."
        )
    return digest.hexdigest()


def _cache_file(path: Path) -> Path:
    """The file in the user's cache with the hash of a file."""
    from racro_eval.common.user_cache import cache_folder

    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    return cache_folder("weights") / f"{name}.json"


def _state(path: Path) -> dict[str, Any]:
    """What stays the same as long as nothing writes to a file."""
    stat = path.stat()
    return {
        "path": os.fsencode(path.resolve()).decode("utf-8", "backslashreplace"),
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
        "ctime_ns": stat.st_ctime_ns,
        "inode": stat.st_ino,
        "device": stat.st_dev,
    }


def _cached_hash(cache_file: Path, state: dict[str, Any]) -> str | None:
    """The hash that was stored for a file in this state; None if there is none, or no valid one."""
    try:
        content = json.loads(cache_file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    digest = content.pop("sha256", None)
    is_valid = isinstance(digest, str) and _HASH.fullmatch(digest) and content == state
    return digest if is_valid else None


class _Progress:
    """A progress bar on stderr, if hashing a folder takes more than a few seconds."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder, self._size = folder, size
        self._bar: Any = None
        self._done = 0
        self._started = time.monotonic()

    def __enter__(self) -> _Progress:
        return self

    def add(self, size: int) -> None:
        """Count the bytes of a file, or of a part of it, as done."""
        self._done += size
        if self._bar is not None:
            self._bar.update(size)
        elif time.monotonic() - self._started > _SHOWN_AFTER_S and self._done < self._size:
            from tqdm import tqdm

            self._bar = tqdm(
                total=self._size,
                initial=self._done,
                desc=f"hashing {self._folder.name} (once)",
                unit="B",
                unit_scale=True,
                mininterval=1,
            )

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
