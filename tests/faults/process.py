"""racro-eval as a real process that can be killed, without paying Python's start every time.

A fork server of the standard library has racro-eval's modules loaded; each command is a child of
it, with its own process group, output files, folder and environment. `fresh=True` starts a new
interpreter instead, for what depends on how Python starts and ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.paths import ROOT

Prepare = Callable[[], object]
"""What the child does before racro-eval's main; picklable, so a function of a module or partial."""

IDLE_SECONDS = 120.0
"""Without CPU time and without a byte more on disk for so long, a process hangs."""
_POLL_SECONDS = 0.02

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.faults.child"])


@dataclass(frozen=True, slots=True)
class Exit:
    """How a command ended. code: negative if a signal ended it."""

    code: int
    out: str
    err: str
    hung: bool = False


@dataclass
class Running:
    """A command that runs. `pid` is also its process group."""

    pid: int
    folder: Path
    _poll: Callable[[], int | None]
    _streams: tuple[Path, Path]
    _seen: tuple[float, int] = (0.0, 0)
    _progress_at: float = field(default_factory=time.monotonic)

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        return self._poll()

    def signal(self, number: int, *, group: bool = False) -> bool:
        """Send a signal; whether there was still a process to get it."""
        if self.poll() is not None:
            return False
        try:
            (os.killpg if group else os.kill)(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def children(self) -> list[int]:
        """The processes that it has started, and theirs."""
        return _descendants(self.pid)

    def wait(self, until: Callable[[], bool] = lambda: False) -> Exit | None:
        """How it ended; None as soon as `until` holds. One without progress is killed: it hangs."""
        while self.poll() is None:
            if until():
                return None
            if self._idle() > IDLE_SECONDS:
                self.stop()
                return self._exit(hung=True)
            time.sleep(_POLL_SECONDS)
        return self._exit(hung=False)

    def finish(self) -> Exit:
        """How it ended."""
        end = self.wait()
        assert end is not None
        return end

    def stop(self) -> None:
        """Kill it and all it has started."""
        for pid in [self.pid, *self.children()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while self.poll() is None:
            time.sleep(_POLL_SECONDS)

    def _idle(self) -> float:
        seen = (_cpu_seconds([self.pid, *self.children()]), _bytes_under(self.folder))
        if seen != self._seen:
            self._seen, self._progress_at = seen, time.monotonic()
        return time.monotonic() - self._progress_at

    def _exit(self, *, hung: bool) -> Exit:
        code = self.poll()
        assert code is not None
        out, err = (path.read_bytes().decode("utf-8", "replace") for path in self._streams)
        return Exit(code, out, err, hung)


def start(
    arguments: Sequence[str],
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    prepare: Prepare | None = None,
    fresh: bool = False,
    shell: str = "racro",
    environment: Sequence[str] = (),
) -> Running:
    """Start `racro-eval ARGUMENTS` in a folder. env: more environment variables.

    Of a fresh one: shell: the line of a shell in which `racro` stands for the command; environment:
    words before the command, as of `env`.
    """
    number = len(list(folder.glob("out-*")))
    streams = folder / f"out-{number}", folder / f"err-{number}"
    for path in streams:
        path.touch()
    if fresh:
        command = [*environment, sys.executable, "-m", "racro_eval", *arguments]
        line = re.sub(r"\bracro\b", lambda _: shlex.join(command), shell)
        return _spawn(line, folder, streams, dict(env or {}))
    from tests.faults import child

    process = _forks.Process(
        target=child.command, args=(list(arguments), folder, streams, dict(env or {}), prepare)
    )
    process.start()
    assert process.pid is not None
    return Running(process.pid, folder, lambda: process.exitcode, streams)


def _spawn(line: str, folder: Path, streams: tuple[Path, Path], env: dict[str, str]) -> Running:
    with streams[0].open("wb") as out, streams[1].open("wb") as err:
        process = subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    return Running(process.pid, folder, process.poll, streams)


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):  # it may end meanwhile
        for task in os.listdir(f"/proc/{pid}/task"):
            for one in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                found += [int(one), *_descendants(int(one))]
    return found


def _cpu_seconds(pids: Sequence[int]) -> float:
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def _bytes_under(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total
