"""Command lines in a process of their own, with their time, their memory and their imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_RUN = """
import sys, time
started = time.perf_counter()
from racro_eval.cli import main
code = main(sys.argv[1:])
seconds = time.perf_counter() - started
heavy = sorted({"torch", "vllm", "transformers", "pandas", "pyarrow"} & set(sys.modules))
from tests.support.measured import peak_mib
print(seconds, peak_mib(), ",".join(heavy) or "none")
sys.exit(code)
"""


class Measured(NamedTuple):
    """Seconds, the most resident memory (MiB), and the heavy packages that were imported."""

    seconds: float
    mib: float
    heavy: str


def run_measured(*words: str) -> Measured:
    """Run `racro-eval` with these words. Raises RuntimeError with its message if it fails."""
    command = [sys.executable, "-c", _RUN, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    seconds, peak, heavy = done.stdout.splitlines()[-1].split()
    return Measured(float(seconds), float(peak), heavy)


def peak_mib() -> float:
    """Most resident memory of this process so far; ru_maxrss would begin with its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**10
