"""Files that are whole or not there, and what is said when the disk refuses."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from racro_eval.common.system_errors import remedy
from racro_eval.errors import ConfigError
from racro_eval.store.processes import has_ended, process_tag

_DAY_SECONDS = 24 * 3600
_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM)


def unwritable(
    path: Path, error: OSError, advice: str = "Choose another place for it."
) -> ConfigError:
    """The error of a file that cannot be written; `advice` is for reasons that have no remedy."""
    reason = error.strerror or str(error)
    return ConfigError(f"{path} cannot be written: {reason}. {remedy(error) or advice}")


def write_atomically(path: Path, content: Iterable[bytes]) -> None:
    """Replace `path` in one step: a reader sees the old file or the new one, whole.

    What is no regular file, such as /dev/stdout, is written to. Raises ConfigError.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                file.writelines(content)
            return
        with replacing(path) as file:
            file.writelines(content)
    except OSError as error:
        raise unwritable(path, error) from error


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file, which takes the place of `path` if the block ends well. Raises OSError."""
    target = Path(os.path.realpath(path))  # a link stays a link
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(target)
    try:
        with temporary.open("wb") as file:
            keep_mode(file.fileno(), target)
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)


def temporary_path(path: Path) -> Path:
    """Where this process writes what is to take the place of `path`."""
    return path.with_name(f".{path.name}.{process_tag()}.tmp")


def keep_mode(fd: int, path: Path) -> None:
    """Give a new file the permissions of the one whose place it takes."""
    with suppress(OSError):
        os.fchmod(fd, path.stat().st_mode & 0o777)


def sync_folder(folder: Path) -> None:
    """Bring a file's name to the disk, after it was made, renamed or removed. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:  # some file systems cannot
            raise
    finally:
        os.close(fd)


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files for `path` whose process was killed, or that are a day old."""
    start, end = f".{path.name}.", ".tmp"
    with suppress(OSError):
        for entry in list(os.scandir(path.parent)):
            if entry.name.startswith(start) and entry.name.endswith(end):
                tag = entry.name.removesuffix(end).rpartition(".")[2]
                old = time.time() - entry.stat().st_mtime > _DAY_SECONDS
                if old or has_ended(tag):
                    Path(entry.path).unlink(missing_ok=True)
