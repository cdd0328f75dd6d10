"""Worker processes that compare expressions symbolically, each request under a time limit.

A comparison can hang or eat memory inside sympy, so it never happens in this process: `ask`
sends it to a child (`symbolic.py`), waits at most two seconds and kills a child that has not
answered. Children are started when first needed, kept for later requests, and shut down at
exit. They are plain subprocesses and not `multiprocessing` ones: nothing re-imports the
user's script, no signal is used, and any thread may ask.
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

SECONDS = 2.0
START_SECONDS = 60.0
# A request that had to wait for the start gets what is left of this.
FIRST_SECONDS = 2.3
LEAST_SECONDS = 0.8
MEMORY_BYTES = 2 << 30
MAX_WORKERS = 4


class WorkerTimeout(Exception):
    """The comparison did not end within its time or memory."""


class WorkerDied(Exception):
    """The worker could not start or ended without an answer, twice."""


class Worker:
    """One child process; used by one thread at a time."""

    def __init__(self, command: list[str] | None = None) -> None:
        package_root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (package_root, os.environ.get("PYTHONPATH"))))
        # -P: a sympy.py in the user's folder must not be imported in place of the library.
        self.process = subprocess.Popen(
            command
            or [sys.executable, "-P", "-m", "racro_eval.grading.symbolic", str(MEMORY_BYTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
        )
        self.ready = False
        self._buffer = b""

    def ask(self, request: dict[str, str], seconds: float) -> dict[str, Any]:
        """The reply to `request`; WorkerTimeout or WorkerDied leave the worker unusable."""
        started = time.monotonic()
        if not self.ready:
            # Loading sympy is not the answer's fault: it has its own, longer limit.
            try:
                self._line(START_SECONDS)
            except WorkerTimeout as error:
                raise WorkerDied from error
            self.ready = True
            waited = time.monotonic() - started
            seconds = min(seconds, max(LEAST_SECONDS, FIRST_SECONDS - waited))
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
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
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
                with contextlib.suppress(OSError):  # unsent bytes of a request
                    pipe.close()


class Pool:
    """Up to `size` busy workers, each with one thread, and one spare; started when needed."""

    def __init__(self, size: int) -> None:
        self._free = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()

    def ask(self, request: dict[str, str], seconds: float = SECONDS) -> dict[str, Any]:
        """Send `request` to a free worker; raises WorkerTimeout or WorkerDied."""
        with self._free:
            for last_try in (False, True):
                worker = self._take()
                try:
                    reply = worker.ask(request, seconds)
                except WorkerDied:
                    # A worker may have been killed from outside between two requests.
                    self._discard(worker)
                    if last_try:
                        raise
                except BaseException:
                    self._discard(worker)
                    raise
                else:
                    with self._lock:
                        if worker in self._all:  # else the pool was closed meanwhile
                            self._idle.append(worker)
                    return reply
        raise AssertionError("unreachable")

    def pids(self) -> list[int]:
        """Process ids of the living workers."""
        with self._lock:
            return [worker.process.pid for worker in self._all]

    def close(self) -> None:
        """Kill every worker; the next `ask` starts new ones."""
        with self._lock:
            workers, self._idle = list(self._all), []
            self._all.clear()
        for worker in workers:
            worker.close()

    def _take(self) -> Worker:
        with self._lock:
            worker = self._idle.pop() if self._idle else self._start()
            if not self._idle:
                # A spare loads sympy meanwhile, so that a killed worker costs no waiting.
                self._idle.append(self._start())
            return worker

    def _start(self) -> Worker:
        worker = Worker()
        self._all.add(worker)
        return worker

    def _discard(self, worker: Worker) -> None:
        with self._lock:
            self._all.discard(worker)
        worker.close()


def _new_pool() -> Pool:
    return Pool(min(MAX_WORKERS, os.cpu_count() or 1))


_pool = _new_pool()


def ask(request: dict[str, str], seconds: float = SECONDS) -> dict[str, Any]:
    """Ask the process-wide pool; raises WorkerTimeout or WorkerDied."""
    return _pool.ask(request, seconds)


def worker_pids() -> list[int]:
    """Process ids of the living workers."""
    return _pool.pids()


def close_workers() -> None:
    """Kill all workers; later comparisons start new ones."""
    _pool.close()


def _forget_after_fork() -> None:
    """A forked child must not talk to, or kill, the workers of its parent."""
    global _pool
    _inherited.append(_pool)  # kept: collecting a Popen that still runs warns
    _pool = _new_pool()


_inherited: list[Pool] = []
os.register_at_fork(after_in_child=_forget_after_fork)
atexit.register(close_workers)
