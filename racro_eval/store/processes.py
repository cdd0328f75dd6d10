"""Tags that identify a process, so that another process can find out whether it has ended.

A process id means nothing on another machine, in another container or after a restart, so a tag
contains everything that makes it unique: machine (boot and pid namespace), process id, start time.
"""

from __future__ import annotations

import hashlib
import os
import socket
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


def process_tag() -> str:
    """The tag of this process, usable in a file name: machine-pid-start, in hex."""
    pid = os.getpid()
    return f"{_machine_id()}-{pid:x}-{_start_time(pid) or 0:x}"


def is_on_this_machine(tag: str) -> bool:
    """Whether a tag's process runs on this machine, so that `has_ended` can tell."""
    return _parse(tag) is not None


def has_ended(tag: str) -> bool:
    """Whether a tag's process is known to have ended; False if it is on another machine."""
    process = _parse(tag)
    if process is None:
        return False
    pid, start = process
    return _start_time(pid) != start if start else not _exists(pid)


def _parse(tag: str) -> tuple[int, int] | None:
    """(pid, start time) of a tag; None if it is from another machine or invalid."""
    machine, _, rest = tag.partition("-")
    pid, _, start = rest.partition("-")
    try:
        return (int(pid, 16), int(start, 16)) if machine == _machine_id() else None
    except ValueError:
        return None


@cache
def _machine_id() -> str:
    """6 hex digits for the machine, boot and namespace in which process ids are unique."""
    facts = [socket.gethostname()]
    try:
        facts.append((_PROC / "sys/kernel/random/boot_id").read_text())
        facts.append(os.readlink(_PROC / "self/ns/pid"))
    except OSError:  # not Linux, or a sandbox: only the host name is known
        pass
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:6]


def _start_time(pid: int) -> int | None:
    """When a process started (ticks since boot); None if it has ended, or without /proc."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[
        2
    ].split()  # the process name before it may contain anything
    return None if state in "ZX" else int(fields[18])


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # the process belongs to another user
        return True
    return True
