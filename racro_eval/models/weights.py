"""The hash of a model folder's content, whole; a file that was hashed once is not read again.

What was found of a file is kept in the user's cache under the file's path, and believed while size,
times of change, inode and device are the same. A cache that is damaged or cannot be written costs
the time of reading the file, nothing else.
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
"""Files of a model folder that no engine reads: papers, and what a training goes on from."""
_NO_TEXT_FOLDERS = (".*", "checkpoint-*", "global_step*", "runs", "logs", "__pycache__")
_CHUNK = 1 << 22
_SHOWN_AFTER_S = 2
_TICK_S = 0.1
"""Two changes of a file within so short a time may have the same time of change."""
_HASH = re.compile(r"[0-9a-f]{64}")


def folder_hash(folder: Path) -> str:
    """16 hex digits over names and contents of a model folder's files.

    Everything in it counts but what is known to change no text (`_NO_TEXT`). Raises MissingError or
    DataError for a file that cannot be read or changes meanwhile.
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
    """The SHA-256 of a file, read only if the cache does not know it.

    Raises MissingError if it cannot be read, DataError if it changes while it is read.
    """
    try:
        state = _state(path)
        note = _note(path)
        found = _remembered(note, state)
        if found is None:
            found = _read_hash(path, state, progress)
            with contextlib.suppress(ConfigError):
                write_atomically(note, [json.dumps(state | {"sha256": found}).encode()])
        elif progress:
            progress.add(state["size"])
        return found
    except OSError as error:
        raise MissingError(f"{path} cannot be read: {error.strerror or error}.") from error


def _read_hash(path: Path, state: dict[str, Any], progress: _Progress | None) -> str:
    """The hash of a file that stays as it was when its state was taken."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
            if progress:
                progress.add(len(chunk))
    if abs(time.time_ns() - state["ctime_ns"]) < _TICK_S * 1_000_000_000:
        time.sleep(_TICK_S)  # what changes from now on has another time
    after = _state(path)
    if any(after[name] != state[name] for name in ("size", "mtime_ns", "inode", "device")):
        raise DataError(
            f"{path} changed while it was read: is the model still being written? "
            "Start again when it is complete."
        )
    return found.hexdigest()


def _note(path: Path) -> Path:
    """The place of what is known of a file."""
    from racro_eval.common.user_cache import cache_folder

    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    return cache_folder("weights") / f"{name}.json"


def _state(path: Path) -> dict[str, Any]:
    """What is the same as long as a file is not written to."""
    stat = path.stat()
    return {
        "path": os.fsencode(path.resolve()).decode("utf-8", "backslashreplace"),
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
        "ctime_ns": stat.st_ctime_ns,
        "inode": stat.st_ino,
        "device": stat.st_dev,
    }


def _remembered(note: Path, state: dict[str, Any]) -> str | None:
    """The hash that was found for a file in this state; None for a note that says anything else."""
    try:
        content = json.loads(note.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    found = content.pop("sha256", None)
    known = isinstance(found, str) and _HASH.fullmatch(found) and content == state
    return found if known else None


class _Progress:
    """A bar on stderr for a folder whose hash takes longer than a moment."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder, self._size = folder, size
        self._bar: Any = None
        self._done = 0
        self._started = time.monotonic()

    def __enter__(self) -> _Progress:
        return self

    def add(self, size: int) -> None:
        """So many more bytes are known."""
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
