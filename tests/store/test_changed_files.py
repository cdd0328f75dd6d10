"""A stage file that somebody else changes while a writer has it: nobody's rows are dropped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from racro_eval.errors import CacheError
from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.records import encode_row
from racro_eval.store.row_table import RowTable
from racro_eval.store.row_writer import RowWriter
from tests.support.store import predictions, row, write

ORDER = [str(number) for number in range(10)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "caption-00000000.csv"


def delete(path: Path) -> None:
    path.unlink()


def delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def replace_by_another_table(path: Path) -> None:
    other = path.parent.parent / "other.csv"
    write(other, row("8", "theirs"), row("9", "theirs"))
    other.replace(path)


def replace_by_the_same(path: Path) -> None:
    other = path.with_name("copy")
    shutil.copy2(path, other)
    other.replace(path)


def replace_by_nothing(path: Path) -> None:
    other = path.with_name("empty")
    other.write_bytes(b"")
    other.replace(path)


def append_rows(path: Path) -> None:
    with path.open("ab") as file:
        file.writelines(encode_row(row(index, "theirs").values()) for index in ("8", "9"))


Change = Callable[[Path], None]
WHAT_OTHERS_ADD = {"8": "theirs", "9": "theirs"}
HARMLESS: list[tuple[Change, dict[str, str]]] = [
    (delete, {}),
    (delete_folder, {}),
    (replace_by_another_table, WHAT_OTHERS_ADD),
    (replace_by_the_same, {}),
    (replace_by_nothing, {}),
    (append_rows, WHAT_OTHERS_ADD),
]


@pytest.mark.parametrize("moment", ["between rows", "before settling", "before closing"])
@pytest.mark.parametrize(
    ("change", "theirs"), HARMLESS, ids=lambda value: getattr(value, "__name__", "")
)
def test_no_row_is_lost(path: Path, change: Change, theirs: dict[str, str], moment: str) -> None:
    write(path, row("0", "before"))
    with RowWriter(path, CALL_COLUMNS) as writer:
        writer.append(row("3"))
        if moment == "between rows":
            change(path)
        writer.append(row("1"))
        if moment == "before settling":
            change(path)
        writer.compact(ORDER)
        if moment == "before closing":
            change(path)
    assert predictions(path) == {"0": "before", "1": "text", "3": "text", **theirs}
    write(path, row("2"))
    assert len(predictions(path)) == 4 + len(theirs), "the next run continues from there"


@pytest.mark.parametrize("change", [delete, replace_by_another_table])
def test_a_change_is_reported(path: Path, change: Change) -> None:
    notes: list[str] = []
    with RowWriter(path, CALL_COLUMNS, on_wait=notes.append) as writer:
        writer.append(row("1"))
        change(path)
    assert len(notes) == 1
    assert f"{path} was " in notes[0] and "during the run" in notes[0]


def test_of_a_row_on_both_sides_an_answer_counts_more_than_a_failure(path: Path) -> None:
    other = path.parent.parent / "other.csv"
    write(
        other,
        row("1", "theirs", created_at="2026-01-02"),
        row("2", "theirs", error="it failed", created_at="2026-01-02"),
        row("3", "theirs", created_at="2026-01-02"),
    )
    with RowWriter(path, CALL_COLUMNS) as writer:
        writer.append(row("1", "ours", created_at="2026-01-01"))
        writer.append(row("2", "ours", created_at="2026-01-01"))
        writer.append(row("3", "ours", created_at="2026-01-03"))
        other.replace(path)
    assert predictions(path) == {"1": "theirs", "2": "ours", "3": "ours"}


def test_what_is_no_table_is_left_alone_and_our_rows_are_kept_beside(path: Path) -> None:
    other = path.parent.parent / "other"
    other.write_bytes(b"a picture, say\n")
    writer = RowWriter(path, CALL_COLUMNS)
    writer.append(row("1"))
    other.replace(path)
    for act in (lambda: writer.append(row("2")), writer.close):
        with pytest.raises(CacheError, match=r"caption-00000000\.csv\.kept-1: rename it") as caught:
            act()
        assert str(path) in str(caught.value)
    assert path.read_bytes() == b"a picture, say\n"
    kept = path.with_name(f"{path.name}.kept-1")
    assert predictions(kept) == {"1": "text"}
    kept.replace(path)
    write(path, row("2"))
    assert predictions(path) == {"1": "text", "2": "text"}


@pytest.mark.parametrize("size", [0, 10, 200, -1])
def test_a_file_that_is_cut_ends_the_run_with_a_sentence(path: Path, size: int) -> None:
    writer = RowWriter(path, CALL_COLUMNS)
    writer.append(row("1", "first"))
    writer.append(row("2", "second"))
    whole = path.read_bytes()
    os.truncate(path, size if size >= 0 else len(whole) - 1)
    left = path.read_bytes()
    for act in (lambda: writer.append(row("3")), lambda: writer.compact(ORDER), writer.close):
        with pytest.raises(CacheError, match="it was cut from"):
            act()
        assert path.read_bytes() == left
    write(path, row("3"))
    assert predictions(path)["3"] == "text", "the next run goes on"


@pytest.mark.parametrize("garbage", [b"garbage", b"garbage\n", b'"', b'"1"\n', b"\0\0", b"\n,\n"])
def test_garbage_that_others_append_is_not_cut(path: Path, garbage: bytes) -> None:
    writer = RowWriter(path, CALL_COLUMNS)
    writer.append(row("2"))
    writer.append(row("1"))
    with path.open("ab") as file:
        file.write(garbage)
    content = path.read_bytes()
    with pytest.raises(CacheError, match="byte"):
        writer.compact(ORDER)
    with pytest.raises(CacheError):
        writer.close()
    assert path.read_bytes() == content


@pytest.mark.parametrize("change", [append_rows, replace_by_another_table])
def test_rows_that_come_while_the_file_is_settled_are_not_lost(
    path: Path, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, synced = os.fsync, []

    def and_somebody_appends(fd: int) -> None:
        sync(fd)
        if not synced:
            synced.append(fd)
            change(path)

    with RowWriter(path, CALL_COLUMNS) as writer:
        writer.append(row("3"))
        writer.append(row("1"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", and_somebody_appends)
            writer.compact(ORDER)
    assert predictions(path) == {"1": "text", "3": "text", **WHAT_OTHERS_ADD}


def test_rows_that_come_at_the_last_moment_are_not_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def after_somebody_appends(self: Path, target: Path) -> Path:
        append_rows(path)
        return replace(self, target)

    with RowWriter(path, CALL_COLUMNS) as writer:
        writer.append(row("3"))
        writer.append(row("1"))
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", after_somebody_appends)
            writer.compact(ORDER)
    assert predictions(path) == {"1": "text", "3": "text", **WHAT_OTHERS_ADD}


def test_a_row_that_is_not_what_it_was_is_never_written_over_a_good_one(path: Path) -> None:
    writer = RowWriter(path, CALL_COLUMNS)
    for index in ("2", "1", "3"):
        writer.append(row(index))
    content = path.read_bytes()
    shifted = content.replace(b'"2"', b'"22"', 1)[: len(content)]
    with path.open("r+b") as file:
        file.write(shifted)
    with pytest.raises(CacheError):
        writer.compact(ORDER)
    with pytest.raises(CacheError):
        writer.close()
    assert path.read_bytes() == shifted


def test_a_reader_says_that_a_row_is_another_one_now(path: Path) -> None:
    write(path, row("1"), row("2"))
    with RowTable(path, CALL_COLUMNS) as reader:
        content = path.read_bytes()
        with path.open("r+b") as file:
            file.write(content.replace(b'"2"', b'"3"'))
        with pytest.raises(CacheError, match="has changed"):
            reader.row("2", 0)
        os.truncate(path, 10)
        with pytest.raises(CacheError, match="is not a valid row"):
            reader.row("1", 0)


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere.csv"
    real.touch()
    path.parent.mkdir()
    path.symlink_to(real)
    with RowWriter(path, CALL_COLUMNS) as writer:
        writer.append(row("2"))
        writer.append(row("1"))
        writer.compact(ORDER)
    assert path.is_symlink()
    assert predictions(real) == {"1": "text", "2": "text"}


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_waited_for(path: Path, make: Callable[[Path], None]) -> None:
    path.parent.mkdir()
    make(path)
    with pytest.raises(CacheError, match="cannot be read: it is not a regular file"):
        RowTable(path, CALL_COLUMNS)
