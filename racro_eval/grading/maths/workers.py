"""Worker processes that compare expressions symbolically, each request under a time limit.

A comparison can hang or use much memory inside sympy, so it never runs in this process: `ask` sends
it to a child process (`symbolic.py`), waits at most SECONDS, and kills a child that has not
replied. Children are started when they are first needed, kept for later requests, and killed at
exit. A child needs about a second to load sympy, several on a busy machine: a request with no time
left after that is a timeout, and the child continues to load for the next request. Children are
plain subprocesses rather than `multiprocessing` ones: the user's script is not imported again, no
signals are used, and any thread may ask.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

SECONDS = 2.25
"""Time limit of all requests of one comparison, including a worker's start."""
START_SECONDS = 60.0
"""Time limit of a worker's start, counted from the start of its process."""
LEAST_SECONDS = 0.2
"""With less time left, a request is not sent: the worker would only be killed."""
POLL_SECONDS = 0.05
MEMORY_BYTES = 2 << 30
"""Memory limit of a worker."""
MAX_WORKERS = 4


class WorkerTimeout(Exception):
    """The comparison did not end within its limits of time and memory."""


class WorkerStarting(WorkerTimeout):
    """The worker is still loading: this request was not sent; a later one can be."""


class WorkerDied(Exception):
    """The worker could not start, or ended without a reply, twice."""


class Worker:
    """One child process; used by one thread at a time."""

    def __init__(self, command: list[str] | None = None) -> None:
        package_root = str(Path(__file__).resolve().parents[3])
        path = os.pathsep.join(filter(None, (package_root, os.environ.get("PYTHONPATH"))))
        # -P: a sympy.py in the user's folder must not shadow the library.
        self.process = subprocess.Popen(
            command
            or [sys.executable, "-P", "-m", "racro_eval.grading.maths.symbolic", str(MEMORY_BYTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
        )
        self.ready = False
        self._started = time.monotonic()
        self._buffer = b""

    def has_loaded(self) -> bool:
        """Whether sympy is loaded; True also if the process has ended, which a request shows."""
        try:
            self.wait_until_ready(time.monotonic())
        except WorkerStarting:
            return False
        except WorkerDied:
            return True
        return True

    def wait_until_ready(self, deadline: float) -> None:
        """Wait until sympy is loaded; raises WorkerStarting at `deadline` (monotonic clock)."""
        if self.ready:
            return
        last = self._started + START_SECONDS
        try:
            self._line(min(deadline, last) - time.monotonic())
        except WorkerTimeout as error:
            raise (WorkerDied if time.monotonic() >= last else WorkerStarting) from error
        self.ready = True

    def ask(self, request: dict[str, str], seconds: float) -> dict[str, Any]:
        """The reply to `request`. After a WorkerTimeout or WorkerDied the worker must be closed."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise WorkerDied from error
        reply: dict[str, Any] = json.loads(self._line(seconds))
        return reply

    def _line(self, seconds: float) -> bytes:
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise WorkerTimeout
                chunk = os.read(self.process.stdout.fileno(), 65536)
                if not chunk:
                    raise WorkerDied
                self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def close(self) -> None:
        """End the process; safe to call twice."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # a request was not sent completely
                    pipe.close()


class Pool:
    """Up to `size` busy workers, each with one thread, and a spare one; started when needed."""

    def __init__(self, size: int) -> None:
        self._free = threading.BoundedSemaphore(size)
        self._changed = threading.Condition()
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()

    def ask(self, request: dict[str, str], seconds: float = SECONDS) -> dict[str, Any]:
        """Send `request` to a free worker; raises WorkerTimeout or WorkerDied.

        Threads beyond the pool's size wait for their turn first, and that time does not count. The
        reply has the number of seconds that the request took.
        """
        with self._free:
            for last_try in (False, True):
                worker, begun = self._ready_worker(seconds)
                try:
                    reply = worker.ask(request, begun + seconds - time.monotonic())
                except WorkerDied:
                    # A worker may have been killed by somebody else between two requests.
                    self._discard(worker)
                    if last_try:
                        raise
                except BaseException:
                    self._discard(worker)
                    raise
                else:
                    self._keep(worker)
                    reply["seconds"] = time.monotonic() - begun
                    return reply
        raise AssertionError("unreachable")

    def _ready_worker(self, seconds: float) -> tuple[Worker, float]:
        """A worker that is ready, and the time from which the limit counts.

        If no worker is ready, one call waits for the start of a worker; the others wait for it.
        """
        with self._changed:
            while True:
                ready = next((worker for worker in self._idle if worker.has_loaded()), None)
                if ready is not None:
                    self._idle.remove(ready)
                    self._add_spare()
                    return ready, time.monotonic()
                busy = self._all.difference(self._idle)
                if not busy:
                    break
                self._changed.wait(POLL_SECONDS)
            worker = self._idle.pop() if self._idle else self._start()
        begun = time.monotonic()
        try:
            worker.wait_until_ready(begun + seconds - LEAST_SECONDS)
        except WorkerStarting:
            self._keep(worker)
            raise
        except BaseException:
            self._discard(worker)
            raise
        return worker, begun

    def pids(self) -> list[int]:
        """Process ids of the living workers."""
        with self._changed:
            return [worker.process.pid for worker in self._all]

    def close(self) -> None:
        """Kill every worker; the next `ask` starts new ones."""
        with self._changed:
            workers, self._idle = list(self._all), []
            self._all.clear()
        for worker in workers:
            worker.close()

    def _keep(self, worker: Worker) -> None:
        with self._changed:
            if worker in self._all:  # else the pool was closed in the meantime
                if worker.ready:
                    self._add_spare()
                self._idle.append(worker)
            self._changed.notify()

    def _add_spare(self) -> None:
        """Start a worker that loads in the background, to replace one that is killed."""
        if not self._idle:
            self._idle.append(self._start())

    def _start(self) -> Worker:
        worker = Worker()
        self._all.add(worker)
        return worker

    def _discard(self, worker: Worker) -> None:
        with self._changed:
            self._all.discard(worker)
            self._changed.notify()
        worker.close()


def _new_pool() -> Pool:
    return Pool(min(MAX_WORKERS, os.cpu_count() or 1))


_pool = _new_pool()


def ask(request: dict[str, str], seconds: float = SECONDS) -> dict[str, Any]:
    """Send a request to the pool of this process; raises WorkerTimeout or WorkerDied."""
    return _pool.ask(request, seconds)


def worker_pids() -> list[int]:
    """Process ids of the living workers."""
    return _pool.pids()


def close_workers() -> None:
    """Kill all workers; a later comparison starts new ones."""
    _pool.close()


def _forget_after_fork() -> None:
    """A forked child must neither use nor kill the workers of its parent."""
    global _pool
    _inherited.append(_pool)  # kept: a warning is printed if a running Popen is collected
    _pool = _new_pool()


_inherited: list[Pool] = []
os.register_at_fork(after_in_child=_forget_after_fork)
atexit.register(close_workers)
