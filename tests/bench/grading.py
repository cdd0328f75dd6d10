"""How fast the grader is, beside math-verify on the same pairs in the same run.

Run it with `make bench`; docs/performance.md says what the figures mean. The pairs come from the
grader's own tables of cases, so that the figures do not depend on data that is not in here.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from racro_eval.grading import is_equivalent

TABLES = Path(__file__).parents[1] / "grading"
PROCESSES = 2
GROWTH_PAIRS = 100_000
MATH_VERIFY_PAIRS = 200

Pair = tuple[str, str]


def pairs() -> list[Pair]:
    """Prediction and gold answer of every case that maths alone decides."""
    cases = json.loads((TABLES / "equivalence.json").read_text(encoding="utf-8"))
    policy = json.loads((TABLES / "policy.json").read_text(encoding="utf-8"))
    found = [(case["prediction"], case["answer"]) for case in cases if case["rule"] == "math"]
    found += [tuple(pair) for row in policy for pair in (*row["equal"], *row["different"])]
    return [pair for pair in found if "\\int" not in pair[0] + pair[1]]


def timed(compare: Callable[[str, str], object], some: list[Pair]) -> list[float]:
    """Seconds that each pair took."""
    seconds = []
    for prediction, answer in some:
        started = time.perf_counter()
        compare(prediction, answer)
        seconds.append(time.perf_counter() - started)
    return seconds


def math_verify() -> Callable[[str, str], bool] | None:
    """math-verify's comparison, None where it is not installed."""
    try:
        from math_verify import parse, verify
    except ImportError:
        return None
    return lambda prediction, answer: bool(verify(parse(f"${answer}$"), parse(f"${prediction}$")))


def _chunk(some: list[Pair]) -> int:
    return sum(is_equivalent(prediction, answer) for prediction, answer in some)


def with_processes(some: list[Pair]) -> float:
    """Pairs per second in PROCESSES processes, their start left out."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(_chunk, [some[:20]] * PROCESSES))
        chunks = [some[start::16] for start in range(16)]
        started = time.perf_counter()
        list(pool.map(_chunk, chunks))
        return len(some) / (time.perf_counter() - started)


def megabytes() -> float:
    """Resident memory of this process."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Print the figures of docs/performance.md's grading part."""
    some = pairs()
    timed(is_equivalent, some)
    ours = timed(is_equivalent, some)
    ordered = sorted(ours)
    rate = len(ours) / sum(ours)
    print(f"pairs: {len(some)}")
    print(f"racro-eval, one process: {rate:.0f} pairs/s")
    print(f"  median {1000 * statistics.median(ours):.2f} ms, ", end="")
    print(f"p99 {1000 * ordered[int(0.99 * len(ordered))]:.2f} ms, ", end="")
    print(f"longest {1000 * ordered[-1]:.1f} ms")
    print(f"racro-eval, {PROCESSES} processes: {with_processes(some * 5):.0f} pairs/s")
    other = math_verify()
    if other is None:
        print("math-verify: not installed (pip install 'racro-eval[math-verify]')")
    else:
        same = some[:: max(1, len(some) // MATH_VERIFY_PAIRS)]
        timed(other, same[:20])
        theirs, again = timed(other, same), timed(is_equivalent, same)
        print(f"math-verify, one process: {len(same) / sum(theirs):.0f} pairs/s")
        print(f"  ratio on its {len(same)} pairs: {sum(theirs) / sum(again):.1f}")
    before = megabytes()
    for number in range(GROWTH_PAIRS):
        # Another number each time: a cache that grew with the pairs would show.
        is_equivalent(f"\\frac{{{number}}}{{7}}", f"{number + number % 3}/7")
        if number % 10 == 0:
            is_equivalent(f"\\sqrt{{x+{number}}}", f"(x+{number})^{{1/2}}")
    print(f"memory after {GROWTH_PAIRS} pairs: {megabytes() - before:+.1f} MiB")


if __name__ == "__main__":
    main()
