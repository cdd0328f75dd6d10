"""Unexpected errors as RacroErrors with a clear message: a full disk, no memory, a bug."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from traceback import walk_tb

from racro_eval.common.registry import package_of
from racro_eval.errors import ConfigError, DataError, InternalError, MissingError, RacroError

_AGAIN = "Finished rows are kept; the same command continues from them."
_ELSEWHERE = (
    "choose a writable folder: --results for results, RACRO_CACHE for downloads, TMPDIR "
    "for temporary files"
)
_REMEDIES: dict[int, tuple[type[RacroError], str]] = {
    errno.ENOSPC: (ConfigError, f"Free some space, or {_ELSEWHERE}. {_AGAIN}"),
    errno.EDQUOT: (ConfigError, f"Delete some of your files, or {_ELSEWHERE}. {_AGAIN}"),
    errno.EFBIG: (ConfigError, f"Raise the limit on file sizes (ulimit -f). {_AGAIN}"),
    errno.EROFS: (ConfigError, f"Make it writable, or {_ELSEWHERE}. {_AGAIN}"),
    errno.EACCES: (ConfigError, f"Give this user access to it, or {_ELSEWHERE}. {_AGAIN}"),
    errno.EPERM: (ConfigError, f"Give this user access to it, or {_ELSEWHERE}. {_AGAIN}"),
    errno.ENAMETOOLONG: (ConfigError, "Give the model or the folder a shorter name."),
    errno.EMFILE: (MissingError, f"Raise the limit on open files (ulimit -n). {_AGAIN}"),
    errno.ENFILE: (
        MissingError,
        f"End other programs: no file handle is free. {_AGAIN}",
    ),
    errno.ENOMEM: (
        MissingError,
        f"End other programs, or use a larger machine. {_AGAIN}",
    ),
    errno.EAGAIN: (MissingError, f"Raise the limit on processes (ulimit -u). {_AGAIN}"),
    errno.EIO: (MissingError, f"Check the disk or the network disk. {_AGAIN}"),
    errno.ESTALE: (MissingError, f"Check the network disk and mount it again. {_AGAIN}"),
}


def remedy(error: OSError) -> str:
    """What to do about a system error; "" if there is no advice."""
    return _REMEDIES.get(error.errno or 0, (MissingError, ""))[1]


def to_racro_error(error: BaseException, default_path: Path | None = None) -> RacroError:
    """Convert any error to a RacroError, which is shown without a traceback.

    A RacroError is returned unchanged. default_path: the file or folder in use, for system errors
    that name none.
    """
    if isinstance(error, RacroError):
        return error
    if isinstance(error, OSError):
        return _from_os_error(error, default_path)
    if isinstance(error, MemoryError):
        return MissingError(f"There is not enough memory. {_AGAIN}")
    if isinstance(error, RecursionError):
        return DataError(f"The data is nested too deeply to be read. {_AGAIN}")
    return InternalError(
        f"This is a bug in {_culprit(error)}: {type(error).__name__}: {error} "
        "(--debug shows where). Finished rows are on disk."
    )


def _culprit(error: BaseException) -> str:
    """The package whose code called what failed: one that adds an engine, say, or racro-eval."""
    modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    for module in reversed(modules):
        if module.partition(".")[0] == "racro_eval":
            break
        if package := package_of(module):
            return package
    return "racro-eval"


def _from_os_error(error: OSError, default_path: Path | None) -> RacroError:
    kind, advice = _REMEDIES.get(error.errno or 0, (MissingError, _AGAIN))
    paths = [os.fsdecode(path) for path in (error.filename, error.filename2) if _is_path(path)]
    path = paths[0] if paths else str(default_path or "")
    reason = error.strerror or str(error) or type(error).__name__
    return kind(f"{path}: {reason}. {advice}" if path else f"{reason}. {advice}")


def _is_path(value: object) -> bool:
    """Whether the value is a path; some errors hold a descriptor number instead."""
    return isinstance(value, str | bytes | os.PathLike) and bool(value)
