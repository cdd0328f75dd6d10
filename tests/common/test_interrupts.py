"""Signals: when they are answered, when they wait, and that nothing is lost by them anywhere."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import yaml

import racro_eval
from racro_eval import RunConfig, cli, run
from racro_eval.cli import main
from racro_eval.common import interrupts
from racro_eval.common.interrupts import caused_by_interrupt, deferred, handling, interruptible
from tests.support.benchmarks import make_json_benchmark
from tests.support.failing_files import FileOperations
from tests.support.results import read_json, stage_files, timeless

Capture = pytest.CaptureFixture[str]
PACKAGE = str(Path(racro_eval.__file__).parent)


def ctrl_c(times: int = 1) -> None:
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def _handlers_of_a_new_process() -> Iterator[None]:
    """Whatever a library has left in this one: Ray's handler of SIGTERM would end the tests."""
    usual = dict.fromkeys(interrupts.TERMINATING_SIGNALS, signal.SIG_DFL)
    usual[signal.SIGINT] = signal.default_int_handler  # type: ignore[assignment]
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler if handler is not None else signal.SIG_DFL)


class TestSections:
    """Blocks in which signals wait, and blocks in those in which they do not."""

    @pytest.fixture(autouse=True)
    def _handled(self) -> Iterator[None]:
        with handling(signal.SIGINT):
            yield

    def test_a_signal_in_a_deferred_block_is_answered_at_its_end(self) -> None:
        steps = []
        with pytest.raises(KeyboardInterrupt), deferred():
            ctrl_c()
            steps.append("the rest of the block")
        assert steps == ["the rest of the block"]

    def test_an_inner_block_does_not_end_the_waiting(self) -> None:
        steps = []
        with pytest.raises(KeyboardInterrupt), deferred():
            with deferred():
                ctrl_c()
            steps.append("after the inner block")
        assert steps == ["after the inner block"]

    def test_a_signal_that_has_waited_is_answered_before_long_work_begins(self) -> None:
        steps = []
        with pytest.raises(KeyboardInterrupt), deferred():
            ctrl_c()
            steps.append("order")
            with interruptible():
                steps.append("long work")
        assert steps == ["order"]

    def test_long_work_is_interrupted_at_once_and_order_comes_after_it(self) -> None:
        steps = []
        with pytest.raises(KeyboardInterrupt), deferred():
            try:
                with interruptible():
                    ctrl_c()
                    steps.append("long work")
            finally:
                ctrl_c()  # a second press does not disturb it
                steps.append("order")
        assert steps == ["order"]

    def test_a_second_signal_gets_through_once_order_takes_too_long(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(interrupts, "LONGEST_DEFERRAL_S", 0.0)
        steps = []
        with pytest.raises(KeyboardInterrupt), deferred():
            ctrl_c()
            steps.append("order goes on")
            ctrl_c()
            steps.append("for ever")
        assert steps == ["order goes on"]

    def test_an_interrupt_that_a_library_swallows_is_raised_again(self) -> None:
        def swallow() -> None:
            with contextlib.suppress(KeyboardInterrupt):
                ctrl_c()

        with pytest.raises(KeyboardInterrupt), deferred(), interruptible():
            swallow()

    def test_an_error_that_an_interrupt_has_caused_does_not_hide_it(self) -> None:
        with pytest.raises(KeyboardInterrupt), deferred():
            ctrl_c()
            raise OSError("the pipe broke, as the other side was interrupted too")

    def test_without_a_signal_nothing_happens(self) -> None:
        with deferred(), interruptible():
            pass
        with pytest.raises(OSError, match="its own"), deferred():
            raise OSError("its own")


class TestHandling:
    def test_handlers_are_what_they_were_afterwards(self) -> None:
        before = [signal.getsignal(number) for number in interrupts.TERMINATING_SIGNALS]
        with pytest.raises(KeyboardInterrupt), handling(*interrupts.TERMINATING_SIGNALS):
            os.kill(os.getpid(), signal.SIGTERM)
        assert [signal.getsignal(number) for number in interrupts.TERMINATING_SIGNALS] == before

    @pytest.mark.parametrize("own", [signal.SIG_IGN, lambda *_: None], ids=["nohup", "a program's"])
    def test_a_custom_handler_is_left_alone(self, own: Any) -> None:
        before = signal.signal(signal.SIGHUP, own)
        try:
            with handling(*interrupts.TERMINATING_SIGNALS):
                assert signal.getsignal(signal.SIGHUP) is own
        finally:
            signal.signal(signal.SIGHUP, before)

    def test_handlers_that_a_library_installs_while_it_loads_are_taken_away(self) -> None:
        with handling(*interrupts.TERMINATING_SIGNALS):
            ours = signal.getsignal(signal.SIGTERM)
            with interrupts.preserved_handlers():
                signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
            assert signal.getsignal(signal.SIGTERM) is ours

    def test_another_thread_changes_nothing(self, tmp_path: Path) -> None:
        path = make_json_benchmark(tmp_path / "data", 3)
        reports = []

        def work() -> None:
            reports.append(run(config(path)))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert reports[0].exit_code(0) == 0

    def test_a_run_from_python_restores_the_handlers(self, tmp_path: Path) -> None:
        path = make_json_benchmark(tmp_path / "data", 3)
        before = [signal.getsignal(number) for number in interrupts.TERMINATING_SIGNALS]
        run(config(path))
        assert [signal.getsignal(number) for number in interrupts.TERMINATING_SIGNALS] == before


def hidden(how: str) -> BaseException:
    """An error behind which there is an interrupt."""
    try:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as interrupt:
            if how == "cause":
                raise RuntimeError from interrupt
            if how == "group":
                raise BaseExceptionGroup("both", [OSError(), interrupt]) from None
            raise OSError("closing failed") from (None if how == "context" else interrupt)
    except BaseException as error:
        return error


@pytest.mark.parametrize("how", ["cause", "group", "context"])
def test_an_interrupt_behind_another_error_is_found(how: str) -> None:
    assert caused_by_interrupt(hidden(how))
    assert not caused_by_interrupt(OSError())


def config(path: Path) -> RunConfig:
    return RunConfig.model_validate(
        {
            "data": [str(path)],
            "mllm": ["echo:m"],
            "reasoner": ["echo:r"],
            "data_root": path.parent,
            "results": path.parent.parent / "results",
        }
    )


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_json_benchmark(tmp_path / "data", 3)


COMMANDS = {
    "run": ["run", "--data", "x"],
    "grade": ["grade", "--data", "x", "--predictions", "p.csv"],
    "merge": ["merge"],
    "leaderboard": ["leaderboard"],
    "data": ["data", "fetch", "x"],
    "list_": ["list", "models"],
    "doctor": ["doctor"],
}


@pytest.mark.parametrize("number", interrupts.TERMINATING_SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_in_a_sentence_that_it_was_interrupted(
    name: str, number: int, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def execute(_: object) -> int:
        os.kill(os.getpid(), number)
        return 0

    monkeypatch.setattr(f"racro_eval.cli.{name}.execute", execute)
    assert main(COMMANDS[name]) == 130
    assert capsys.readouterr().err == (
        "racro-eval: Interrupted. All finished rows are on disk; the same command continues from "
        "them.\n"
    )


def test_a_signal_after_the_last_result_agrees_with_the_exit_code(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def streams() -> Iterator[None]:
        yield
        ctrl_c()

    monkeypatch.setattr("racro_eval.cli.merge.execute", lambda _: 0)
    monkeypatch.setattr("racro_eval.cli.standard_streams", streams)
    assert main(["merge"]) == 130
    assert capsys.readouterr().err.startswith("racro-eval: Interrupted.")


def test_an_interrupt_that_ends_as_another_error_is_reported_as_one(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def execute(_: object) -> int:
        raise hidden("context")

    monkeypatch.setattr("racro_eval.cli.merge.execute", execute)
    assert main(["merge"]) == 130
    assert capsys.readouterr().err.startswith("racro-eval: Interrupted.")


class Lines:
    """Sends signals when so many lines of the package have been run in the main thread."""

    def __init__(self, at: list[int]) -> None:
        self.count, self._at = 0, set(at)

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            self.count += 1
            if self.count in self._at:
                ctrl_c()
        return self

    def watch(self, do: Callable[[], int]) -> int:
        before = sys.gettrace()
        sys.settrace(self)
        try:
            return do()
        finally:
            sys.settrace(before)


def lines_of_a_run(path: Path, results: Path) -> int:
    """How many lines an undisturbed run takes, but for a few that depend on the clock."""
    for _ in range(2):  # what is done once only is done by the first
        gc.collect()  # objects of earlier tests, whose last lines are no lines of this run
        counting = Lines([])
        assert counting.watch(lambda: main(arguments(path, results))) == 0
        shutil.rmtree(results)
    return counting.count


def arguments(path: Path, results: Path) -> list[str]:
    root = ["--data-root", str(path.parent), "--results", str(results)]
    return ["--data", str(path), "--mllm", "echo:m", "--reasoner", "echo:r", *root]


def check_interrupted_run(path: Path, whole: Path, code: int, message: str, where: str) -> None:
    """Nothing is lost by a run that was interrupted, and the same command ends like another one."""
    results = path.parent.parent / "results"
    assert code == 130, where
    assert message.splitlines()[-1].startswith("racro-eval: Interrupted."), where
    assert "Traceback" not in message and "bug" not in message, where
    for file in stage_files(results) if results.exists() else ():
        if file.with_suffix(".json").exists():
            assert "process" not in read_json(file), f"{file.name}: {where}"
    assert main(arguments(path, results)) == 0
    assert timeless(results) == timeless(whole), where
    shutil.rmtree(results)
    gc.collect()  # what an interrupt has left to be closed is closed here


@pytest.fixture
def whole(small: Path, tmp_path: Path) -> Path:
    """The results of a run that nothing disturbs; what is done once only is done by it."""
    assert main(arguments(small, tmp_path / "whole")) == 0
    return tmp_path / "whole"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("presses", [1, 2])
def test_a_signal_at_any_line_of_a_run_loses_nothing(
    small: Path, whole: Path, tmp_path: Path, capsys: Capture, presses: int
) -> None:
    count = lines_of_a_run(small, tmp_path / "results")
    moments = random.Random(20260301)
    for _ in range(20):
        first = moments.randrange(1, count - 100)  # a moment that comes in each run
        at = [first + n * moments.randrange(1, 200) for n in range(presses)]
        capsys.readouterr()
        code = Lines(at).watch(lambda: main(arguments(small, tmp_path / "results")))
        message = capsys.readouterr().err
        check_interrupted_run(small, whole, code, message, f"a signal at line {at} of {count}")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_signal_at_any_file_operation_of_a_run_loses_nothing(
    small: Path, whole: Path, tmp_path: Path, capsys: Capture
) -> None:
    counting = FileOperations()
    with counting.watched():
        main(arguments(small, tmp_path / "counted"))
    for moment in random.Random(20260302).sample(range(1, counting.count + 1), 15):
        stopping = FileOperations(moment, ctrl_c)
        capsys.readouterr()
        with stopping.watched():
            code = main(arguments(small, tmp_path / "results"))
        message = capsys.readouterr().err
        where = f"a signal at operation {moment}, {stopping.name}"
        check_interrupted_run(small, whole, code, message, where)


@pytest.mark.slow
@pytest.mark.parametrize("number", interrupts.TERMINATING_SIGNALS, ids=lambda number: number.name)
def test_a_process_that_gets_two_signals_ends_in_order(small: Path, number: int) -> None:
    slow = {"engine": "echo", "options": {"latency_s": 0.05}}
    models = [{"name": name, "model": name, **slow} for name in ("m", "r")]
    sweep: dict[str, Any] = {"data": str(small), "data_root": str(small.parent), "models": models}
    Path("sweep.yaml").write_text(yaml.safe_dump({**sweep, "mllm": "m", "reasoner": "r"}))
    process = subprocess.Popen(
        [sys.executable, "-m", "racro_eval", "--config", "sweep.yaml", "--samples", "100"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while len(list(Path("results").rglob("qcap*.csv"))) < 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    (path,) = Path("results").rglob("qcap*.csv")
    while len(path.read_bytes().splitlines()) < 6 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    process.send_signal(number)
    _, message = process.communicate(timeout=60)
    assert process.returncode == cli.INTERRUPTED
    assert message.splitlines()[-1].startswith("racro-eval: Interrupted."), message
    assert all("process" not in read_json(path) for path in stage_files(Path("results")))
