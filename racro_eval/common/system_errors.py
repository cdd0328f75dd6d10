"""Errors that nobody raised on purpose, as sentences: a full disk, no memory, a bug."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from traceback import walk_tb

from racro_eval.common.registry import package_of
from racro_eval.errors import ConfigError, DataError, InternalError, MissingError, RacroError

_AGAIN = "Finished rows are kept; the same command goes on from them."
_ELSEWHERE = (
    "choose a folder that can be written: --results for results, RACRO_CACHE for downloads, TMPDIR "
    "for temporary files"
)
_REMEDIES: dict[int, tuple[type[RacroError], str]] = {
    errno.ENOSPC: (ConfigError, f"Free some space, or {_ELSEWHERE}. {_AGAIN}"),
    errno.EDQUOT: (ConfigError, f"Delete something of yours, or {_ELSEWHERE}. {_AGAIN}"),
    errno.EFBIG: (ConfigError, f"Raise the limit on file sizes (ulimit -f). {_AGAIN}"),
    errno.EROFS: (ConfigError, f"Make it writable, or {_ELSEWHERE}. {_AGAIN}"),
    errno.EACCES: (ConfigError, f"Give this user access to it, or {_ELSEWHERE}. {_AGAIN}"),
    errno.EPERM: (ConfigError, f"Give this user access to it, or {_ELSEWHERE}. {_AGAIN}"),
    errno.ENAMETOOLONG: (ConfigError, "Give the model or the folder a shorter name."),
    errno.EMFILE: (MissingError, f"Raise the limit on open files (ulimit -n). {_AGAIN}"),
    errno.ENFILE: (MissingError, f"End other programs: the machine has no file left. {_AGAIN}"),
    errno.ENOMEM: (MissingError, f"End other programs, or take a larger machine. {_AGAIN}"),
    errno.EAGAIN: (MissingError, f"Raise the limit on processes (ulimit -u). {_AGAIN}"),
    errno.EIO: (MissingError, f"Look after the disk or the network disk. {_AGAIN}"),
    errno.ESTALE: (MissingError, f"Look after the network disk, mount it again. {_AGAIN}"),
}


def remedy(error: OSError) -> str:
    """What to do about an error of the system; "" if nothing is known."""
    return _REMEDIES.get(error.errno or 0, (MissingError, ""))[1]


def as_racro_error(error: BaseException, where: Path | None = None) -> RacroError:
    """The error as one that is shown as a sentence; one of ours is given back as it is.

    where: the file or folder that was worked on, for errors that name none.
    """
    if isinstance(error, RacroError):
        return error
    if isinstance(error, OSError):
        return _of_the_system(error, where)
    if isinstance(error, MemoryError):
        return MissingError(f"There is not enough memory. {_AGAIN}")
    if isinstance(error, RecursionError):
        return DataError(f"Something is nested too deeply to be read. {_AGAIN}")
    return InternalError(
        f"This is a bug in {_culprit(error)}: {type(error).__name__}: {error} "
        "(--debug shows where). Finished rows are on disk."
    )


def _culprit(error: BaseException) -> str:
    """Whose code called what failed: another package's that adds an engine, say, or ours."""
    modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    for module in reversed(modules):
        if module.partition(".")[0] == "racro_eval":
            break
        if package := package_of(module):
            return package
    return "racro-eval"


def _of_the_system(error: OSError, where: Path | None) -> RacroError:
    kind, remedy = _REMEDIES.get(error.errno or 0, (MissingError, _AGAIN))
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if _is_name(name)]
    place = names[0] if names else str(where) if where else ""
    what = error.strerror or str(error) or type(error).__name__
    return kind(f"{place}: {what}. {remedy}" if place else f"{what}. {remedy}")


def _is_name(value: object) -> bool:
    """Whether it is a path; some errors hold the number of a descriptor in its place."""
    return isinstance(value, str | bytes | os.PathLike) and bool(value)
