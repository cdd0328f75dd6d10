"""Hashes of large files, cached next to them, so that an unchanged file is read only once.

A cached hash is used only if the file's size, inode, mtime and ctime are unchanged, and if the file
had not changed for two seconds when the hash was stored: otherwise a change within the same clock
tick could be missed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from racro_eval.common.regular_files import open_regular
from racro_eval.store.atomic import temporary_path

MIN_CACHED_SIZE = 1 << 26
"""Bytes; a smaller file is hashed each time."""
_MIN_UNCHANGED_NS = 2_000_000_000


def cached_hash(path: Path, fd: int, calculate: Callable[[], str]) -> str:
    """The hash of the open file at `path`: the cached one, or the result of `calculate`."""
    status = os.fstat(fd)
    if status.st_size < MIN_CACHED_SIZE:
        return calculate()
    identity = file_identity(status)
    cache = path.with_name(f".{path.stem}.sha256.json")
    try:
        entry = json.loads(cache.read_bytes())
        unchanged_ns = cache.stat().st_mtime_ns - max(status.st_mtime_ns, status.st_ctime_ns)
        if entry["of"] == identity and unchanged_ns >= _MIN_UNCHANGED_NS:
            return str(entry["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    sha256 = calculate()
    if file_identity(os.fstat(fd)) == identity:
        _save(cache, json.dumps({"of": identity, "sha256": sha256}))
    return sha256


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises OSError."""
    with open_regular(path) as file:
        return cached_hash(
            path, file.fileno(), lambda: hashlib.file_digest(file, "sha256").hexdigest()
        )


def file_identity(status: os.stat_result) -> list[int]:
    """Size, inode, mtime and ctime (ns), which change with the file; none can reset the ctime."""
    return [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]


def _save(path: Path, text: str) -> None:
    temporary = temporary_path(path)
    with suppress(OSError):  # the folder may be read-only; then the hash is calculated each time
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
