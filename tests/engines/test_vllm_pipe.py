"""The pipe from vLLM's process: nothing is waited for that cannot come. Needs no vLLM."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from racro_eval.engines.model_entry import ModelEntry
from racro_eval.engines.vllm import engine
from racro_eval.engines.vllm.engine import VllmEngine
from racro_eval.engines.vllm.frames import read_frame, write_frame
from racro_eval.errors import ConfigError, EngineError


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_CHECK_INTERVAL_S", 0.01)


def pipe(go_on: Callable[[], bool]) -> tuple[io.BufferedReader, io.BufferedWriter]:
    reading, writing = os.pipe()
    replies = engine._Replies(reading, go_on)
    return io.BufferedReader(replies), io.BufferedWriter(io.FileIO(writing, "w"))


def test_messages_come_whole_however_they_are_cut() -> None:
    replies, child = pipe(lambda: True)
    for number in range(3):
        write_frame(child, {"id": number}, [b"x" * 100])
    assert [read_frame(replies).header["id"] for _ in range(3)] == [0, 1, 2]  # type: ignore[union-attr]
    replies.close(), child.close()


def test_a_pipe_that_is_closed_is_at_its_end() -> None:
    replies, child = pipe(lambda: True)
    write_frame(child, {"id": 1})
    child.close()
    assert read_frame(replies) is not None
    assert read_frame(replies) is None
    replies.close()


def test_a_dead_child_whose_own_children_hold_the_pipe_is_not_waited_for() -> None:
    replies, child = pipe(lambda: False)
    write_frame(child, {"id": 1})
    assert read_frame(replies) is not None, "what it wrote before its end is read"
    assert read_frame(replies) is None
    replies.close(), child.close()


def test_what_ends_the_waiting_is_raised() -> None:
    def too_late() -> bool:
        raise EngineError("too late")

    replies, child = pipe(too_late)
    with pytest.raises(EngineError, match="too late"):
        read_frame(replies)
    replies.close(), child.close()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", ""),
        ("one\ntwo\n\n", "two"),
        ("\x1b[36mloading\x1b[0m shard 1\rloading shard 2\r", "loading shard 2"),
        ("x" * 20000 + "\nlast", "last"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_the_last_line_of_a_log(tmp_path: Path, content: str | bytes, line: str) -> None:
    log = tmp_path / "vllm.log"
    log.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert engine._last_line(log) == line
    assert engine._last_line(tmp_path / "none") == ""


def test_a_log_that_cannot_be_written_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(engine.tempfile, "mkdtemp", refuse)
    with pytest.raises(ConfigError, match=r"No space left on device. .* in TMPDIR"):
        VllmEngine(ModelEntry(name="m", model="m"))


def test_a_child_that_cannot_be_started_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.tempfile, "tempdir", str(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(OSError, match="No such file"):
        VllmEngine(ModelEntry(name="m", model="m"))
    assert len(os.listdir("/proc/self/fd")) == before
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_ends_at_once_is_an_error_with_its_own_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(log: Path) -> tuple[subprocess.Popen[bytes], io.BufferedWriter, int]:
        log.write_text("ImportError: libcuda.so.1: cannot open shared object file\n")
        (child_in, to_child), (from_child, child_out) = os.pipe(), os.pipe()
        process = subprocess.Popen(["true"], start_new_session=True)
        for fd in (child_in, child_out):
            os.close(fd)
        return process, os.fdopen(to_child, "wb"), from_child

    monkeypatch.setattr(engine, "_start", start)
    with pytest.raises(EngineError, match=r"vLLM with m ended: ImportError: libcuda\.so\.1"):
        VllmEngine(ModelEntry(name="m", model="m"))
