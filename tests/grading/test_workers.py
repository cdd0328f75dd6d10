"""The pool of worker processes: limits, replacement, threads, forks, scripts without a guard."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from racro_eval.grading import is_equivalent
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.maths import workers
from racro_eval.grading.maths.workers import Pool, Worker, WorkerDied, WorkerTimeout
from racro_eval.grading.verdict import Status
from tests.support.waiting import HANG_SECONDS
from tests.support.worker import INTEGRAL, warm_up

SAME = {"op": "equal", "left": "x+1", "right": "1+x"}
# No closed form, and sympy looks for one for longer than any limit.
ENDLESS = ("\\int_0^{\\infty} \\frac{\\sin(x^{3})\\ln(1+x^{7})}{x^{3}+2} dx", "42")

# On a busy machine calls are timeouts while the first worker loads.
PATIENT = """
from racro_eval.grading.comparison.equivalence import compare
def patient(prediction, answer):
    result = next(c for _ in range(20) if (c := compare(prediction, answer)).status != "timeout")
    return result.equal
"""


@pytest.fixture(autouse=True)
def _no_workers_left() -> Iterator[None]:
    workers.close_workers()
    yield
    workers.close_workers()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_start_when_needed_are_kept_and_end_when_closed() -> None:
    assert workers.worker_pids() == []
    warm_up()
    assert workers.ask(SAME)["verdict"] == "equal"
    pids = set(workers.worker_pids())
    assert len(pids) == 2  # one and its spare
    assert workers.ask(SAME)["verdict"] == "equal"
    assert set(workers.worker_pids()) == pids
    workers.close_workers()
    assert workers.worker_pids() == [] and not any(map(alive, pids))


def test_a_worker_killed_from_outside_is_replaced() -> None:
    warm_up()
    before = workers.worker_pids()
    for pid in before[:1]:
        os.kill(pid, signal.SIGKILL)
    warm_up()
    for _ in range(3):
        assert workers.ask(SAME)["verdict"] == "equal"
    for pid in workers.worker_pids():
        os.kill(pid, signal.SIGKILL)
    assert compare(*INTEGRAL).status is Status.error  # both the worker and its spare
    warm_up()


@pytest.mark.slow
def test_a_comparison_without_end_is_a_timeout_and_the_next_one_works() -> None:
    warm_up()
    for _ in range(2):
        started = time.monotonic()
        assert compare(*ENDLESS).status is Status.timeout
        # The limit itself; twice as long, as a busy machine may notice it late.
        assert time.monotonic() - started < 2 * workers.SECONDS
    warm_up()


@pytest.mark.slow
def test_threads_share_the_pool() -> None:
    results: list[bool] = []
    warm_up()

    def work(number: int) -> None:
        results.append(is_equivalent(f"\\int_0^1 {2 * number} x dx", str(number)))
        results.append(not is_equivalent(f"\\int_0^1 {2 * number} x dx", str(number + 1)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 24


def test_a_worker_that_dies_at_once_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [sys.executable, "-c", "raise SystemExit(3)"]
    monkeypatch.setattr(workers, "Worker", lambda: Worker(broken))
    pool = Pool(1)
    with pytest.raises(WorkerDied):
        pool.ask(SAME)
    pool.close()


def test_a_worker_that_never_starts_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "START_SECONDS", 0.2)
    silent = Worker([sys.executable, "-c", "import time; time.sleep(60)"])
    with pytest.raises(WorkerDied):
        silent.wait_until_ready(time.monotonic() + 1)
    silent.close()
    silent.close()


def test_a_slow_start_is_a_timeout_and_the_worker_serves_the_next_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    late = (
        "import os, time\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.05)\n"
        "from racro_eval.grading.maths.symbolic import main; main()"
    )
    command = [sys.executable, "-P", "-c", late, str(workers.MEMORY_BYTES)]
    monkeypatch.setattr(workers, "Worker", lambda: Worker(command))
    assert compare(*INTEGRAL).status is Status.timeout  # while the worker is still loading
    (loading,) = workers.worker_pids()
    for limit in ("SECONDS", "START_SECONDS"):  # what a busy machine needs is no part of this
        monkeypatch.setattr(workers, limit, HANG_SECONDS)
    gate.touch()
    assert is_equivalent(*INTEGRAL)
    assert loading in workers.worker_pids()


def test_a_worker_that_goes_silent_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = [sys.executable, "-c", "print('{}', flush=True); import time; time.sleep(60)"]
    monkeypatch.setattr(workers, "Worker", lambda: Worker(silent))
    pool = Pool(1)
    with pytest.raises(WorkerTimeout):
        pool.ask(SAME, 0.2)
    pool.close()
    assert pool.pids() == []


def test_a_pipe_closed_between_two_requests() -> None:
    worker = Worker()
    worker.wait_until_ready(time.monotonic() + HANG_SECONDS)
    worker.ask(SAME, HANG_SECONDS)
    worker.process.kill()
    worker.process.wait()
    with pytest.raises(WorkerDied):
        worker.ask(SAME, 5)
    worker.close()


def test_nothing_to_start_a_worker_with(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Worker:
        raise OSError("no more processes")

    monkeypatch.setattr(workers, "Worker", refuse)
    assert compare(*INTEGRAL).status is Status.error


@pytest.mark.slow
def test_a_script_without_a_main_guard_is_not_run_twice(tmp_path: Path) -> None:
    # A module named like the library, beside the script, must not reach the worker either.
    (tmp_path / "antlr4.py").write_text("raise SystemExit('imported')\n")
    script = tmp_path / "script.py"
    script.write_text(
        PATIENT + "from racro_eval.grading.maths.workers import worker_pids\n"
        "print('ran', patient('\\\\int_0^1 2x dx', '1'), *worker_pids())\n"
    )
    root = str(Path(workers.__file__).parents[3])
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    ran, equal, *pids = done.stdout.split()
    assert (ran, equal) == ("ran", "True")
    assert not any(alive(int(pid)) for pid in pids)  # ended at exit


@pytest.mark.slow
def test_a_forked_child_has_workers_of_its_own() -> None:
    script = (
        PATIENT + "import os\n"
        "from racro_eval.grading.maths import workers\n"
        "assert patient('\\\\int_0^1 2x dx', '1')\n"
        "mine = set(workers.worker_pids())\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    assert workers.worker_pids() == []\n"
        "    assert patient('\\\\int_0^1 2y dy', '1')\n"
        "    workers.close_workers()\n"
        "    os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
        "assert patient('\\\\int_0^1 2z dz', '1') and set(workers.worker_pids()) == mine\n"
    )
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(workers.__file__).parents[3])},
    )


@pytest.mark.slow
def test_an_async_program_may_grade_in_its_threads() -> None:
    warm_up()

    async def main() -> list[bool]:
        calls = (asyncio.to_thread(is_equivalent, *INTEGRAL) for _ in range(4))
        return list(await asyncio.gather(*calls))

    assert asyncio.run(main()) == [True] * 4


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_a_pool_of_processes_may_grade(method: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        PATIENT + "import multiprocessing\n"
        "def work(n):\n"
        "    return patient(f'\\\\int_0^1 {2 * n}x dx', str(n))\n"
        "if __name__ == '__main__':\n"
        f"    with multiprocessing.get_context('{method}').Pool(2) as pool:\n"
        "        print(pool.map(work, [1, 2, 3]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        env={**os.environ, "PYTHONPATH": str(Path(workers.__file__).parents[3])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[True, True, True]"
