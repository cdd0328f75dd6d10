"""Hashes of large files, kept beside them, so that a file that nobody has touched is read once.

A kept hash counts only if size, inode and both times of change are what they were, and the file had
not changed for a while when it was kept: a change within the same tick of the clock is seen, too.
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

SMALL = 1 << 26
"""Bytes; what is smaller is hashed each time."""
_QUIET_NS = 2_000_000_000


def kept_hash(path: Path, fd: int, calculate: Callable[[], str]) -> str:
    """The hash of an open file of that path: the one that is kept, or what `calculate` gives."""
    about = os.fstat(fd)
    if about.st_size < SMALL:
        return calculate()
    state = file_identity(about)
    beside = path.with_name(f".{path.stem}.sha256.json")
    try:
        kept = json.loads(beside.read_bytes())
        quiet = beside.stat().st_mtime_ns - max(about.st_mtime_ns, about.st_ctime_ns)
        if kept["of"] == state and quiet >= _QUIET_NS:
            return str(kept["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = calculate()
    if file_identity(os.fstat(fd)) == state:
        _keep(beside, json.dumps({"of": state, "sha256": found}))
    return found


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises OSError."""
    with open_regular(path) as file:
        return kept_hash(
            path, file.fileno(), lambda: hashlib.file_digest(file, "sha256").hexdigest()
        )


def file_identity(about: os.stat_result) -> list[int]:
    """What changes when a file does: nobody can set the last one back."""
    return [about.st_size, about.st_ino, about.st_mtime_ns, about.st_ctime_ns]


def _keep(beside: Path, text: str) -> None:
    temporary = temporary_path(beside)
    with suppress(OSError):  # results may be read-only; it is calculated again then
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(beside)
        finally:
            temporary.unlink(missing_ok=True)
