"""How fast the leaderboard is: 30 rows on 7 benchmarks of 5000 samples, in a process of its own.

Run it with `make bench`; docs/performance.md says what the figures mean. The results are made on
the spot: graded files with responses of some hundred words, as runs write them.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from racro_eval.data.spec import BenchmarkSpec, load_spec
from racro_eval.leaderboard.columns import PAPER_COLUMNS
from racro_eval.stages.graded_file import graded_columns
from racro_eval.store.records import encode_row
from racro_eval.store.sidecar import write_sidecar

MLLMS, REASONERS, SAMPLES = 5, 5, 5000
RESPONSE = "The sum of the angles is 180 degrees, so the third one follows. " * 20


def make_results(folder: Path) -> tuple[int, int]:
    """MLLMS rows of their own and MLLMS x REASONERS with a reasoner; gives files and bytes."""
    draw = random.Random(0)
    files = size = 0
    for benchmark in PAPER_COLUMNS:
        spec = load_spec("MathVision").model_copy(update={"name": benchmark, "rows": SAMPLES})
        for mllm in range(MLLMS):
            for reasoner in (None, *range(REASONERS)):
                size += _make_file(folder, spec, mllm, reasoner, draw)
                files += 1
    return files, size


def _make_file(
    folder: Path, spec: BenchmarkSpec, mllm: int, reasoner: int | None, draw: random.Random
) -> int:
    stem = "tentative" if reasoner is None else "qcap+sol"
    place = folder / spec.name / f"M{mllm}-7B" / ("" if reasoner is None else f"R{reasoner}-7B")
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{stem}-00000000.graded.csv"
    with path.open("wb") as file:
        file.write(encode_row(graded_columns(spec)))
        for index in range(SAMPLES):
            right = draw.random() < 0.4 + 0.05 * (reasoner or 0)
            verdict = ("correct", "1") if right else ("incorrect", "0")
            about = (f"subject {index % 16}", str(index % 5 + 1))
            row = (str(index), "0", RESPONSE, "12", "boxed/number", "12", *verdict, *about)
            file.write(encode_row(row))
    labels = {
        "benchmark": spec.name,
        "mllm": f"M{mllm}-7B",
        "reasoner": None if reasoner is None else f"R{reasoner}-7B",
        "variant": "qa" if reasoner is None else "qcap+sol",
        "prompts": "racro",
    }
    manifest = {"key": "00000000", "config": f"{mllm}{reasoner}", "labels": labels}
    write_sidecar(path, {**manifest, "spec": spec.model_dump(mode="json")})
    return path.stat().st_size


def measure(results: Path, *arguments: str) -> str:
    """Wall and CPU seconds and peak memory of `racro-eval leaderboard`, its start included."""
    command = [sys.executable, "-m", "racro_eval", "leaderboard", "--results", str(results)]
    started = time.perf_counter()
    child = subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    cpu = usage.ru_utime + usage.ru_stime
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return f"{seconds:.1f} s, {cpu:.1f} s of CPU, {peak:.0f} MiB"


def main() -> None:
    """Print the figures of docs/performance.md's leaderboard part."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        files, size = make_results(results)
        print(f"{files} graded files of {SAMPLES} samples, {size / 2**20:.0f} MiB")
        for _ in range(3):
            for summary in results.rglob(".*.score.json"):
                summary.unlink()
            print(f"first look: {measure(results, '--format', 'md')}")
        print(f"second look: {measure(results, '--format', 'md')}")
        print(f"--paired: {measure(results, '--paired', '--format', 'md')}")
        print(f"--diagnose: {measure(results, '--diagnose', '--format', 'md')}")


if __name__ == "__main__":
    main()
