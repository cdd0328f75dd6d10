"""A lock for writing a file, held by one process at a time, on any file system.

The lock has two parts. The first is `flock` on `.NAME.lock`, which ends with the process. But on
some mounts every process gets it, and on some network disks it does not reach other machines. So
the holder also owns a second file, `.NAME.owner`: it is created in one step, names the holder, and
its modification time is updated as long as the holder runs.

An owner on this machine has ended when its process has ended. An owner on another machine counts as
ended when its file has not been modified for `STALE_SECONDS` of our clock; the clocks of two
machines are never compared.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from racro_eval.errors import CacheError
from racro_eval.store.atomic import write_error
from racro_eval.store.processes import has_ended, is_on_this_machine, process_tag
from racro_eval.store.provenance import host, now

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 90.0
_POLL_SECONDS = 0.2
_UNKNOWN_HOLDER = "another process"
_LOCKS_UNSUPPORTED = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)
_HELD_TOKENS: set[str] = set()
"""The tokens of the owner files that this process holds."""
_LINKS_UNSUPPORTED = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)


@dataclass(frozen=True, slots=True)
class Owner:
    """The content of an owner file.

    token: unique for each time the lock is taken. process: the holder's process tag. description:
    the holder, for messages. modified_ns: the file's modification time.
    """

    token: str
    process: str
    description: str
    modified_ns: int

    @classmethod
    def read(cls, path: Path) -> Owner | None:
        """Read an owner file; None if it does not exist. Raises OSError."""
        try:
            with path.open("rb") as file:  # opening it again makes network disks refresh it
                status, content = os.fstat(file.fileno()), file.read(4096)
        except FileNotFoundError:
            return None
        try:
            owner = json.loads(content)
            description = f"process {owner['pid']} on {owner['host']} since {owner['since']}"
            token, process = str(owner["token"]), str(owner["process"])
        except (ValueError, KeyError, TypeError, RecursionError):
            token, process, description = f"{status.st_ino:x}", "", _UNKNOWN_HOLDER
        return cls(token, process, description, status.st_mtime_ns)


class FileLock:
    """The lock of one file. Not re-entrant: two locks in one process exclude each other too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._flock_path = path.with_name(f".{path.name}.lock")
        self._owner_path = path.with_name(f".{path.name}.owner")
        self._flock_fd = -1
        self._owner_fd = -1
        self._token = os.urandom(4).hex()
        self._last_seen: dict[Path, tuple[str, int, float]] = {}
        """Owners on other machines: token, modification time, and when we first saw these two."""

    def acquire(self, on_wait: Callable[[str], None] | None = None) -> None:
        """Wait for the lock. on_wait is called once, with who holds it. Raises OSError."""
        notified = False
        try:
            while not self._try_acquire():
                if on_wait and not notified:
                    notified = True
                    on_wait(f"{self._path} is being written by {self.holder()}; waiting for it.")
                time.sleep(_POLL_SECONDS)
        except BaseException:
            self.release()
            raise

    def holder(self) -> str:
        """Description of the process that holds the lock: its id, host and start."""
        owner = Owner.read(self._owner_path)
        return owner.description if owner else _UNKNOWN_HOLDER

    def check(self) -> None:
        """Raise CacheError if the lock was taken over, because this process paused too long."""
        if is_same_file(self._owner_fd, self._owner_path):
            return
        self._remove_owner_file()
        self._owner_path.parent.mkdir(parents=True, exist_ok=True)
        if not self._claim(self._owner_path):  # it may only have been deleted
            raise CacheError(
                f"{self._path} was taken over by {self.holder()}, because this process did not "
                "run for a while. All finished rows are on disk; run the same command again."
            )

    def release(self, *, remove: bool = False) -> None:
        """Release the lock. Safe to call twice. remove: delete the lock file too."""
        try:
            self._remove_owner_file()
        finally:
            if self._flock_fd >= 0:
                if remove:  # while it is held: the next process notices that the file is gone
                    self._flock_path.unlink(missing_ok=True)
                fd, self._flock_fd = self._flock_fd, -1
                os.close(fd)

    def _try_acquire(self) -> bool:
        if not self._take_flock():
            return False
        if self._claim(self._owner_path):
            return True
        self.release()
        return False

    def _take_flock(self) -> bool:
        """Take the flock, if the file system supports it; False if another process has it."""
        self._flock_fd = os.open(self._flock_path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._flock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = is_same_file(self._flock_fd, self._flock_path)  # it may have been removed
        except BlockingIOError:
            taken = False
        except OSError as error:
            if error.errno not in _LOCKS_UNSUPPORTED:
                raise
            taken = True  # only the owner file protects the file
        if not taken:
            fd, self._flock_fd = self._flock_fd, -1
            os.close(fd)
        return taken

    def _claim(self, path: Path) -> bool:
        """Take ownership of an owner file, if it does not exist or its owner has ended.

        Only one process may replace the file of an owner that has ended: the process that has
        claimed the file `path.TOKEN`, by this same rule.
        """
        if self._create(path):
            return True
        previous = Owner.read(path)
        if previous is None or not self._has_ended(path, previous):
            return False
        claim = path.with_name(f"{path.name}.{previous.token}")
        if not self._claim(claim):
            return False
        current = Owner.read(path)
        if current is not None and current.token == previous.token:
            claim.replace(path)
            return True
        self._remove_owner_file(claim)
        return False

    def _create(self, path: Path) -> bool:
        """Create the file with its content in one step; False if it exists."""
        if path.exists():
            return False
        temporary = path.with_name(f"{path.name}.{self._token}.{process_tag()}.tmp")
        fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        created = False
        _HELD_TOKENS.add(self._token)  # before other threads can see the file
        try:
            os.write(fd, self._content())
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass
            except OSError as error:
                if error.errno not in _LINKS_UNSUPPORTED:
                    raise
                os.close(fd)
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
                os.write(fd, self._content())
            created = is_same_file(fd, path)
        except FileExistsError:
            fd = -1
        finally:
            if created:
                self._owner_fd = fd
                _HEARTBEAT.add(fd)
            else:
                _HELD_TOKENS.discard(self._token)
                if fd >= 0:
                    os.close(fd)
            with suppress(OSError):  # the next writer will remove it
                temporary.unlink(missing_ok=True)
        return created

    def _content(self) -> bytes:
        holder = {"pid": os.getpid(), "host": host(), "since": now()}
        return json.dumps({**holder, "process": process_tag(), "token": self._token}).encode()

    def _has_ended(self, path: Path, owner: Owner) -> bool:
        if owner.process == process_tag():
            # A file may outlive its lock, if it could not be removed: on a full disk, for example.
            return owner.token not in _HELD_TOKENS
        if is_on_this_machine(owner.process):
            return has_ended(owner.process)
        token, modified_ns, since = self._last_seen.get(path, ("", 0, 0.0))
        if (token, modified_ns) == (owner.token, owner.modified_ns):
            return time.monotonic() - since >= STALE_SECONDS
        self._last_seen[path] = (owner.token, owner.modified_ns, time.monotonic())
        return False

    def _remove_owner_file(self, path: Path | None = None) -> None:
        """Remove our owner file, if it is still ours."""
        fd, self._owner_fd = self._owner_fd, -1
        if fd < 0:
            return
        _HELD_TOKENS.discard(self._token)
        try:
            path = path or self._owner_path
            if is_same_file(fd, path):
                path.unlink(missing_ok=True)
        finally:
            _HEARTBEAT.remove(fd)
            os.close(fd)


@contextmanager
def locked(path: Path, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock of a file inside the block; leaves no lock file. Raises ConfigError."""
    lock = FileLock(path)
    try:
        lock.acquire(on_wait)
    except OSError as error:
        raise write_error(path, error) from error
    try:
        yield
    finally:
        lock.release(remove=True)


def is_same_file(fd: int, path: Path) -> bool:
    """Whether an open descriptor (or -1) belongs to the file that is at a path now."""
    try:
        return fd >= 0 and os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


class _Heartbeat:
    """Updates the modification times of this process's owner files, in a thread.

    It has no mutex, which an interrupt could leave locked for ever: updating a descriptor that was
    closed a moment ago does no harm.
    """

    def __init__(self) -> None:
        self._files: set[int] = set()
        self._thread: threading.Thread | None = None

    def add(self, fd: int) -> None:
        self._files.add(fd)
        if self._thread is None or not self._thread.is_alive():  # threads do not survive a fork
            self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
            self._thread.start()

    def remove(self, fd: int) -> None:
        self._files.discard(fd)

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(HEARTBEAT_SECONDS):
            for fd in tuple(self._files):
                with suppress(OSError):
                    os.utime(fd)


_HEARTBEAT = _Heartbeat()
