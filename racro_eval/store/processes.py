"""Which process this is, told so that another one can find out whether it has ended.

A process id says nothing on another machine, in another container or after a restart, so a tag
holds what makes it unique: machine (its boot and its namespace of process ids), id, time of start.
"""

from __future__ import annotations

import hashlib
import os
import socket
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


def process_tag() -> str:
    """This process, as text that fits into a file name: machine-pid-start, in hex."""
    pid = os.getpid()
    return f"{_machine()}-{pid:x}-{_start_of(pid) or 0:x}"


def of_this_machine(tag: str) -> bool:
    """Whether a tag is that of a process whose life can be looked up here."""
    return _read(tag) is not None


def has_ended(tag: str) -> bool:
    """Whether the process of a tag is known to have ended; False if it is on another machine."""
    process = _read(tag)
    if process is None:
        return False
    pid, start = process
    return _start_of(pid) != start if start else not _exists(pid)


def _read(tag: str) -> tuple[int, int] | None:
    """(pid, start) of a tag of this machine."""
    machine, _, rest = tag.partition("-")
    pid, _, start = rest.partition("-")
    try:
        return (int(pid, 16), int(start, 16)) if machine == _machine() else None
    except ValueError:
        return None


@cache
def _machine() -> str:
    """6 hex digits for what process ids are unique on."""
    facts = [socket.gethostname()]
    try:
        facts.append((_PROC / "sys/kernel/random/boot_id").read_text())
        facts.append(os.readlink(_PROC / "self/ns/pid"))
    except OSError:  # no Linux, or a sandbox: the host's name is all there is
        pass
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:6]


def _start_of(pid: int) -> int | None:
    """When a living process started (ticks since boot); None if it has ended, or on no Linux."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return None if state in "ZX" else int(fields[18])


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True
