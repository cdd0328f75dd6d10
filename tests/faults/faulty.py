"""A disk that fails at one chosen operation: put under `os`, `io` and `fcntl` in a child process.

Operations on files under one folder are counted in the order in which they happen. Without a fault
they are only written down, so that an undisturbed run tells which points there are; with one, the
operation of that number fails in that way.

    kill          the process ends before the operation
    half          half of a write is on disk, then the process ends
    full          half of a write is on disk, the rest and all later ones find no space
    INT, TERM     the process gets that signal just before the operation
    ENOSPC, ...   the operation raises that error, once
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KILLED = 137

ERRORS = {
    "open": ("EMFILE", "ENOSPC", "EIO", "EDQUOT"),
    "read": ("EIO",),
    "write": ("ENOSPC", "EIO", "EDQUOT", "half", "full"),
    "fsync": ("EIO", "ENOSPC", "EDQUOT"),
    "ftruncate": ("EIO",),
    "replace": ("ENOSPC", "EIO", "EDQUOT"),
    "rename": ("ENOSPC", "EIO", "EDQUOT"),
    "link": ("ENOSPC", "EIO", "EDQUOT"),
    "unlink": ("EIO",),
    "remove": ("EIO",),
    "close": ("EIO", "EDQUOT"),
    "mkdir": ("ENOSPC", "EIO", "EDQUOT"),
    "flock": ("ENOLCK", "EIO"),
}
"""What can go wrong with an operation, besides a kill or a signal."""
ALWAYS = ("kill", "INT", "TERM")

_GROWS = frozenset({"open", "write", "mkdir", "link"})


@dataclass(frozen=True, slots=True)
class Fault:
    """The operation of this number (from 0) fails in this way."""

    number: int
    action: str


class Disk:
    """The operations under `root`; `log` gets a line for each, or `fault` happens to one."""

    def __init__(self, root: Path, log: Path | None, fault: Fault | None) -> None:
        self._root = os.fspath(root)
        self._log = -1 if log is None else os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._fault = fault
        self._number = 0
        self._full = False
        self._real = {name: getattr(os, name) for name in ERRORS if hasattr(os, name)}

    def install(self) -> None:
        """Stand between this process and its files from now on."""
        for name in ("open", "fsync", "ftruncate", "mkdir", "unlink", "remove", "replace"):
            setattr(os, name, self._wrapped(name, getattr(os, name)))
        for name in ("rename", "link", "close"):
            setattr(os, name, self._wrapped(name, getattr(os, name)))
        os.write = self._write
        fcntl.flock = self._wrapped("flock", fcntl.flock)
        self._open_file = io.open
        builtins.open = io.open = self._opened  # type: ignore[assignment]

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(where: Any, *more: Any, **named: Any) -> Any:
            if not self._watched(where):
                return real(where, *more, **named)
            return self.point(name, lambda: real(where, *more, **named))

        return operation

    def _watched(self, where: Any) -> bool:
        if isinstance(where, int):
            try:
                where = os.readlink(f"/proc/self/fd/{where}")
            except OSError:
                return False
        try:
            return os.path.abspath(os.fsdecode(where)).startswith(self._root)
        except TypeError:
            return False

    def point(self, name: str, do: Callable[[], Any]) -> Any:
        """One operation: done, or not."""
        number, self._number = self._number, self._number + 1
        if self._log >= 0:
            self._real["write"](self._log, f"{name}\n".encode())
        if self._full and name in _GROWS:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._fault is None or self._fault.number != number:
            return do()
        return self._fail(name, self._fault.action, do)

    def _fail(self, name: str, action: str, do: Callable[[], Any]) -> Any:
        if action == "kill":
            os._exit(KILLED)
        if action in ("INT", "TERM"):
            os.kill(os.getpid(), getattr(signal, f"SIG{action}"))
            return do()
        if name == "close":  # a failing close has closed all the same
            do()
        number = getattr(errno, action)
        raise OSError(number, os.strerror(number))

    def _write(self, fd: int, data: bytes) -> int:
        if not self._watched(fd):
            return int(self._real["write"](fd, data))
        return self.write(fd, data)

    def write(self, fd: int, data: Any) -> int:
        """Write to a descriptor, wholly or not."""

        def half() -> int:
            return int(self._real["write"](fd, bytes(data)[: len(data) // 2]))

        def do() -> int:
            return int(self._real["write"](fd, data))

        fault = self._fault
        if fault and fault.number == self._number and fault.action in ("half", "full"):
            self._number += 1
            written = half()
            if fault.action == "half":
                os._exit(KILLED)
            self._full = True
            return written
        return int(self.point("write", do))

    def _opened(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        real = self._open_file
        if not self._watched(file):
            return real(file, mode, buffering, encoding, errors, newline, closefd, opener)
        kind = "".join(letter for letter in mode if letter in "rwxa+")

        def do() -> Any:
            if kind == "r":
                return real(file, mode, buffering, encoding, errors, newline, closefd, opener)
            raw = _FaultyFile(self, file, kind, closefd, opener)
            if buffering == 0:
                return raw
            buffered = io.BufferedRandom(raw) if "+" in kind else io.BufferedWriter(raw)
            if "b" in mode:
                return buffered
            return io.TextIOWrapper(buffered, encoding, errors, newline)

        return self.point("open", do)


class _FaultyFile(io.FileIO):
    """The raw file under a file object: its writes and its close are operations, too."""

    def __init__(self, disk: Disk, file: Any, mode: str, closefd: bool, opener: Any) -> None:
        super().__init__(file, mode, closefd, opener)
        self._disk = disk

    def write(self, data: Any, /) -> int:
        return self._disk.write(self.fileno(), data)

    def close(self) -> None:
        if self.closed:
            return
        self._disk.point("close", super().close)


def install(root: Path, log: Path | None = None, fault: Fault | None = None) -> None:
    """Put the disk under this process."""
    Disk(root, log, fault).install()
