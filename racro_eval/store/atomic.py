"""Writing files in one step, and the error for a file that cannot be written."""

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
_FOLDER_SYNC_UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM)


def write_error(
    path: Path, error: OSError, advice: str = "Choose another place for it."
) -> ConfigError:
    """The error for a file that cannot be written. advice: used if the reason has no remedy."""
    reason = error.strerror or str(error)
    return ConfigError(f"{path} cannot be written: {reason}. {remedy(error) or advice}")


def write_atomically(path: Path, content: Iterable[bytes]) -> None:
    """Replace `path` in one step: a reader sees either the old or the new file, complete.

    A special file, such as /dev/stdout, is written to directly. Raises ConfigError.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                file.writelines(content)
            return
        with replacing(path) as file:
            file.writelines(content)
    except OSError as error:
        raise write_error(path, error) from error


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that replaces `path` if the block succeeds. Raises OSError."""
    target = Path(os.path.realpath(path))  # a symbolic link stays one
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
    """Where this process writes the file that will replace `path`."""
    return path.with_name(f".{path.name}.{process_tag()}.tmp")


def keep_mode(fd: int, path: Path) -> None:
    """Give a new file the permissions of the file that it replaces."""
    with suppress(OSError):
        os.fchmod(fd, path.stat().st_mode & 0o777)


def sync_folder(folder: Path) -> None:
    """Flush a folder, after a file in it was created, renamed or removed. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _FOLDER_SYNC_UNSUPPORTED:  # some file systems cannot do it
            raise
    finally:
        os.close(fd)


def remove_leftovers(path: Path) -> None:
    """Remove temporary files for `path` if their process has ended or they are a day old."""
    prefix, suffix = f".{path.name}.", ".tmp"
    with suppress(OSError):
        for entry in list(os.scandir(path.parent)):
            if entry.name.startswith(prefix) and entry.name.endswith(suffix):
                tag = entry.name.removesuffix(suffix).rpartition(".")[2]
                is_old = time.time() - entry.stat().st_mtime > _DAY_SECONDS
                if is_old or has_ended(tag):
                    Path(entry.path).unlink(missing_ok=True)
