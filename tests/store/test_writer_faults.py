"""A writer that is interrupted at any line, or refused by the disk: rows on disk stay whole."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from racro_eval.errors import ConfigError
from racro_eval.store.atomic import temporary_path, write_atomically
from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.row_writer import RowWriter
from racro_eval.store.sidecar import sidecar_path, write_sidecar
from tests.support.store import predictions, row, write

REFUSED = [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE]
STORE_MODULES = (
    "row_writer.py",
    "row_file.py",
    "row_table.py",
    "row_index.py",
    "records.py",
    "file_lock.py",
    "atomic.py",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "caption-00000000.csv"


def work(path: Path, done: list[str]) -> None:
    """A run of three rows; `done` gets the index of each that was appended."""
    with RowWriter(path, CALL_COLUMNS) as writer:
        for index in ("3", "1", "2"):
            writer.append(row(index))
            done.append(index)
        writer.compact(["1", "2", "3"])


def interrupt_at(line: int) -> tuple[Callable[..., Any], list[int]]:
    """A trace function that interrupts at the n-th line of the store; a list of lines passed."""
    passed: list[int] = []

    def trace(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        if not frame.f_code.co_filename.endswith(STORE_MODULES):
            return None
        if event == "line":
            passed.append(1)
            if len(passed) == line:
                raise KeyboardInterrupt
        return trace

    return trace, passed


@pytest.mark.slow
def test_interrupted_at_any_line_it_leaves_what_the_next_run_reads_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    rows, line = ("1", "2", "3"), 1
    while True:
        path = tmp_path / str(line) / "caption-00000000.csv"
        done: list[str] = []
        trace, passed = interrupt_at(line)
        sys.settrace(trace)
        try:
            work(path, done)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        if len(passed) < line:
            break
        _forget_locks(path)
        stored = predictions(path)
        assert set(done) <= set(stored), f"a finished row was lost at line {line}"
        write(path, *(row(index) for index in rows if index not in stored))
        assert predictions(path) == dict.fromkeys(rows, "text")
        line += 5
    assert line > 300


def _forget_locks(path: Path) -> None:
    """What the end of the interrupted process does."""
    for name in (f".{path.name}.lock", f".{path.name}.owner"):
        path.with_name(name).unlink(missing_ok=True)


@pytest.mark.parametrize("function", ["write", "fsync", "open", "ftruncate", "replace"])
@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_is_one_sentence_and_costs_no_row(
    path: Path, what: int, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, row("0", "before"))
    owner = Path if function == "replace" else os
    real = getattr(owner, function)
    for refuse_at in range(1, 30, 2):
        calls: list[int] = []

        def refuse(*words: Any, calls: list[int] = calls, at: int = refuse_at, **more: Any) -> Any:
            calls.append(1)
            if len(calls) == at:
                raise OSError(what, os.strerror(what))
            return real(*words, **more)

        done: list[str] = []
        with monkeypatch.context() as patch:
            patch.setattr(owner, function, refuse)
            try:
                work(path, done)
            except ConfigError as error:
                assert os.strerror(what) in str(error)
                assert str(path.parent) in str(error) and str(error).count("\n") == 0
        stored = predictions(path)
        assert {"0", *done} <= set(stored), "an appended row was lost"
    work(path, [])
    assert predictions(path) == {"0": "before", "1": "text", "2": "text", "3": "text"}


def test_half_a_row_that_fitted_is_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    with RowWriter(path, CALL_COLUMNS) as writer:
        writer.append(row("1"))
        before = path.read_bytes()
        sizes = iter([5, 7, None])

        def short(fd: int, data: bytes) -> int:
            size = next(sizes, 0)
            if size is None:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(fd, data[:size] if size else data)

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", short)
            with pytest.raises(ConfigError, match="Free some space"):
                writer.append(row("2"))
        assert path.read_bytes() == before
        writer.append(row("3"))
    assert predictions(path) == {"1": "text", "3": "text"}


def test_a_write_in_several_pieces_is_one_row(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    with RowWriter(path, CALL_COLUMNS) as writer:
        monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:3]))
        writer.append(row("1"))
        monkeypatch.undo()
    assert predictions(path) == {"1": "text"}


class TestOnDisk:
    """What is promised to survive a power cut has been forced to the disk."""

    @pytest.fixture
    def synced(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What was forced to the disk and what was renamed, in order."""
        done: list[str] = []
        sync, replace = os.fsync, Path.replace

        def note_sync(fd: int) -> None:
            done.append(os.readlink(f"/proc/self/fd/{fd}").rpartition("/")[2])
            sync(fd)

        def note_replace(self: Path, target: Path) -> Path:
            done.append(f"→ {target.name}")
            return replace(self, target)

        monkeypatch.setattr(os, "fsync", note_sync)
        monkeypatch.setattr(Path, "replace", note_replace)
        return done

    def test_a_new_file_and_its_name(self, path: Path, synced: list[str]) -> None:
        writer = RowWriter(path, CALL_COLUMNS)
        assert synced == [path.name, "folder"]
        synced.clear()
        writer.append(row("1"))
        writer.close()
        assert synced == [path.name], "closing flushes"

    def test_a_settled_file_before_it_takes_the_place_and_its_name_after(
        self, path: Path, synced: list[str]
    ) -> None:
        with RowWriter(path, CALL_COLUMNS) as writer:
            writer.append(row("2"))
            writer.append(row("1"))
            synced.clear()
            writer.compact(["1", "2"])
            assert synced[0].endswith(".tmp")
            assert synced[1:] == [f"→ {path.name}", "folder"]

    def test_a_sidecar_too(self, path: Path, synced: list[str]) -> None:
        write_sidecar(path, {})
        assert synced[0].endswith(".tmp")
        assert synced[1:] == [f"→ {sidecar_path(path).name}", "folder"]

    def test_rows_about_once_a_second(
        self, path: Path, synced: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = [0.0]
        monkeypatch.setattr(time, "monotonic", lambda: clock[0])
        with RowWriter(path, CALL_COLUMNS) as writer:
            synced.clear()
            for clock[0] in (0.4, 0.8, 1.2, 1.6, 2.3):
                writer.append(row("1"))
            assert synced == [path.name] * 2


class TestLeftovers:
    """Temporary files of killed runs are removed by the next writer of that file."""

    def left(self, path: Path, tag: str, age_s: float = 0) -> Path:
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_name(f".{path.name}.{tag}.tmp")
        temporary.write_text("half")
        os.utime(temporary, (time.time() - age_s,) * 2)
        return temporary

    def dead(self) -> str:
        """The tag of a process of this machine that has ended."""
        code = "from racro_eval.store.processes import process_tag; print(process_tag())"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return done.stdout.decode().strip()

    def test_of_the_dead_and_the_old_only(self, path: Path) -> None:
        dead, day = self.dead(), 25 * 3600
        other = path.with_name("tentative-00000000.csv")
        expired = [self.left(path, dead), self.left(sidecar_path(path), dead)]
        expired += [self.left(path, "ffffff-7-1", day), self.left(path, "4711", day)]
        stay = [self.left(path, "ffffff-7-2"), self.left(path, "4712"), self.left(other, dead)]
        own = temporary_path(path)
        own.write_text("half")
        write(path, row("1"))
        assert not [path for path in expired if path.exists()]
        assert not [path for path in [*stay, own] if not path.exists()]

    def test_a_write_that_fails_leaves_none(self, path: Path) -> None:
        def content() -> Any:
            yield b"half"
            raise OSError(errno.EIO, "Input/output error")

        with pytest.raises(ConfigError, match="Check the disk"):
            write_atomically(path, content())
        assert os.listdir(path.parent) == []


def test_permissions_stay_when_a_file_is_replaced(path: Path) -> None:
    with RowWriter(path, CALL_COLUMNS) as writer:
        writer.append(row("2"))
        writer.append(row("1"))
        path.chmod(0o660)
        writer.compact(["1", "2"])
    assert path.stat().st_mode & 0o777 == 0o660
