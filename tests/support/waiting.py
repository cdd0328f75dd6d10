"""Waiting for what a test needs to happen, however busy the machine is."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

HANG_SECONDS = 900
"""After so long without an end a process hangs: no machine is that busy. No test waits for it."""
_POLL_SECONDS = 0.02


def wait_for(event: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait until `event` holds. The only other way out is the end of the process, a failure."""
    while not event():
        if process.poll() is not None and not event():
            raise AssertionError(f"It ended with {process.returncode} before: {ends(process)}")
        time.sleep(_POLL_SECONDS)


def ends(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a process; gives what it wrote to standard error."""
    return process.communicate(timeout=HANG_SECONDS)[1]
