"""The right to write a file, held by one process at a time, on any file system.

Two things are held. `flock` on a file beside (`.NAME.lock`) is the first line: it ends with the
process. But there are mounts on which everybody gets it and network disks on which it reaches no
other machine. So the holder also owns a second file (`.NAME.owner`), which is made in one step,
says who the holder is, and whose time of change moves as long as the holder lives.

An owner of this machine is gone when its process has ended. One of another machine is gone when its
file has not moved for `STALE_SECONDS` of our clock; clocks of two machines are never compared.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from racro_eval.errors import CacheError
from racro_eval.store.atomic import unwritable
from racro_eval.store.processes import has_ended, of_this_machine, process_tag
from racro_eval.store.provenance import now

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 90.0
_POLL_SECONDS = 0.2
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)
_HELD: set[str] = set()
"""The tokens of the owner files that this process holds."""
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)


@dataclass(frozen=True, slots=True)
class Owner:
    """What an owner file says. token: this holding of the lock. moved: its time of change (ns)."""

    token: str
    process: str
    who: str
    moved: int

    @classmethod
    def read(cls, path: Path) -> Owner | None:
        """The owner that a file names; None if there is no such file. Raises OSError."""
        try:
            with path.open("rb") as file:  # opened anew each time: network disks look again then
                about, content = os.fstat(file.fileno()), file.read(4096)
        except FileNotFoundError:
            return None
        try:
            known = json.loads(content)
            who = f"process {known['pid']} on {known['host']} since {known['since']}"
            token, process = str(known["token"]), str(known["process"])
        except (ValueError, KeyError, TypeError, RecursionError):
            token, process, who = f"{about.st_ino:x}", "", "another process"
        return cls(token, process, who, about.st_mtime_ns)


class FileLock:
    """The lock of one file. Not re-entrant: two of one process exclude each other, too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard_path = path.with_name(f".{path.name}.lock")
        self._owner_path = path.with_name(f".{path.name}.owner")
        self._guard = -1
        self._owner = -1
        self._token = os.urandom(4).hex()
        self._seen: dict[Path, tuple[str, int, float]] = {}
        """Owners that were waited for: token, time of change, and when we first saw these."""

    def acquire(self, on_wait: Callable[[str], None] | None = None) -> None:
        """Wait for the lock. on_wait is told once, who holds it and since when. Raises OSError."""
        told = False
        try:
            while not self._try():
                if on_wait and not told:
                    told = True
                    on_wait(f"{self._path} is being written by {self.holder()}; waiting for it.")
                time.sleep(_POLL_SECONDS)
        except BaseException:
            self.release()
            raise

    def holder(self) -> str:
        """Who holds the lock: process, host and time."""
        owner = Owner.read(self._owner_path)
        return owner.who if owner else "another process"

    def check(self) -> None:
        """Raise CacheError if the lock was taken over, as from a process that slept too long."""
        if is_at(self._owner, self._owner_path):
            return
        self._disown()
        self._owner_path.parent.mkdir(parents=True, exist_ok=True)
        if not self._claim(self._owner_path):  # unless somebody has only deleted the owner file
            raise CacheError(
                f"{self._path} was taken over by {self.holder()}, because this process did not "
                "move for a while. All finished rows are on disk; run the same command again."
            )

    def release(self, *, remove: bool = False) -> None:
        """Let the next process in. Safe to call twice. remove: leave no lock file behind."""
        try:
            self._disown()
        finally:
            if self._guard >= 0:
                if remove:  # while it is held: who gets it afterwards finds that it is gone
                    self._guard_path.unlink(missing_ok=True)
                guard, self._guard = self._guard, -1
                os.close(guard)

    def _try(self) -> bool:
        if not self._take_guard():
            return False
        if self._claim(self._owner_path):
            return True
        self.release()
        return False

    def _take_guard(self) -> bool:
        """Take the flock, if the file system has such."""
        self._guard = os.open(self._guard_path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = is_at(self._guard, self._guard_path)  # not one that was removed meanwhile
        except BlockingIOError:
            taken = False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            taken = True  # the owner file is all there is
        if not taken:
            guard, self._guard = self._guard, -1
            os.close(guard)
        return taken

    def _claim(self, path: Path) -> bool:
        """Make an owner file our own, if it is not there or its owner is gone.

        Only one process may replace the file of an owner that is gone: the one that has made the
        file `path.TOKEN` its own, by this same rule.
        """
        if self._create(path):
            return True
        gone = Owner.read(path)
        if gone is None or not self._is_gone(path, gone):
            return False
        claim = path.with_name(f"{path.name}.{gone.token}")
        if not self._claim(claim):
            return False
        current = Owner.read(path)
        if current is not None and current.token == gone.token:
            claim.replace(path)
            return True
        self._disown(claim)
        return False

    def _create(self, path: Path) -> bool:
        """Make the file with its content in one step; False if there is one."""
        if path.exists():
            return False
        temporary = path.with_name(f"{path.name}.{self._token}.{process_tag()}.tmp")
        fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        made = False
        _HELD.add(self._token)  # before the file can be seen
        try:
            os.write(fd, self._content())
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                os.close(fd)
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
                os.write(fd, self._content())
            made = is_at(fd, path)
        except FileExistsError:
            fd = -1
        finally:
            if made:
                self._owner = fd
                _HEARTBEAT.add(fd)
            else:
                _HELD.discard(self._token)
                if fd >= 0:
                    os.close(fd)
            with suppress(OSError):  # the next writer removes it
                temporary.unlink(missing_ok=True)
        return made

    def _content(self) -> bytes:
        about = {"pid": os.getpid(), "host": socket.gethostname(), "since": now()}
        return json.dumps({**about, "process": process_tag(), "token": self._token}).encode()

    def _is_gone(self, path: Path, owner: Owner) -> bool:
        if owner.process == process_tag():
            return owner.token not in _HELD  # its file could not be removed, on a full disk, say
        if of_this_machine(owner.process):
            return has_ended(owner.process)
        token, moved, since = self._seen.get(path, ("", 0, 0.0))
        if (token, moved) == (owner.token, owner.moved):
            return time.monotonic() - since >= STALE_SECONDS
        self._seen[path] = (owner.token, owner.moved, time.monotonic())
        return False

    def _disown(self, path: Path | None = None) -> None:
        """Remove our owner file, if it is still ours."""
        owner, self._owner = self._owner, -1
        if owner < 0:
            return
        _HELD.discard(self._token)
        try:
            path = path or self._owner_path
            if is_at(owner, path):
                path.unlink(missing_ok=True)
        finally:
            _HEARTBEAT.remove(owner)
            os.close(owner)


@contextmanager
def locked(path: Path, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock of a file for a block, and leave no lock file. Raises ConfigError."""
    lock = FileLock(path)
    try:
        lock.acquire(on_wait)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield
    finally:
        lock.release(remove=True)


def is_at(fd: int, path: Path) -> bool:
    """Whether a descriptor is that of the file that stands at a path now."""
    try:
        return fd >= 0 and os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


class _Heartbeat:
    """Touches the owner files of this process, in a thread of its own.

    It has no mutex, which an interrupt could leave locked for ever: what it does is harmless if a
    descriptor was closed a moment ago.
    """

    def __init__(self) -> None:
        self._files: set[int] = set()
        self._thread: threading.Thread | None = None

    def add(self, fd: int) -> None:
        self._files.add(fd)
        if self._thread is None or not self._thread.is_alive():  # none is, in a forked process
            self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
            self._thread.start()

    def remove(self, fd: int) -> None:
        self._files.discard(fd)

    def _beat(self) -> None:
        pause = threading.Event()
        while not pause.wait(HEARTBEAT_SECONDS):
            for fd in tuple(self._files):
                with suppress(OSError):
                    os.utime(fd)


_HEARTBEAT = _Heartbeat()
