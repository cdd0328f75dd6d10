"""The CSV store: nothing finished is lost, nothing torn is read."""

from __future__ import annotations

import csv
import hashlib
import multiprocessing
import os
import socket
import threading
import time
from pathlib import Path

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racro_eval.errors import CacheError, ConfigError
from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.records import clean, encode_row
from racro_eval.store.row_table import RowTable
from racro_eval.store.row_writer import RowWriter
from tests.support.store import predictions, row, write
from tests.support.waiting import HANG_SECONDS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "caption-00000000.csv"


def test_a_missing_file_is_an_empty_table(path: Path) -> None:
    with RowTable(path, CALL_COLUMNS) as table:
        assert len(table) == 0
        assert list(table.rows()) == []
        assert table.row("1", 0) is None
        assert table.state("1", 0) is None


def test_rows_come_back(path: Path) -> None:
    sha256 = hashlib.sha256(b"prompt").hexdigest()
    write(
        path,
        row("1", "a", prompt_sha256=sha256),
        row("2", "b", error="it failed"),
        row("3", "c", prompt_sha256="somebody's edit"),
    )
    with RowTable(path, CALL_COLUMNS) as table:
        assert table.row("1", 0) == row("1", "a", prompt_sha256=sha256)
        states = [table.state(index, 0) for index in ("1", "2", "3")]
    first, second, third = [state for state in states if state is not None]
    assert (first.prompt_sha256, first.failed) == (sha256, False)
    assert second.failed
    assert third.prompt_sha256 == "0" * 64, "what is no hash is no prompt's"


def test_the_last_row_of_a_key_counts_and_samples_are_keys_of_their_own(path: Path) -> None:
    write(path, row("1", "old"), row("1", "other", sample=1), row("1", "new"))
    with RowTable(path, CALL_COLUMNS) as table:
        assert len(table) == 2
        assert [values["prediction"] for values in table.rows()] == ["other", "new"]


NASTY = [
    "a\rb",
    "a\r\nb\n",
    '"quotes" and ""more""',
    '"\n"',
    "comma, tab\t, semicolon;",
    "\\boxed{\\frac{1}{2}}\x1b[31m",
    "数学 ½ 🎉",
    " leading and trailing ",
    "",
    "None",
    "NA",
]


@pytest.mark.parametrize("text", NASTY)
def test_any_text_survives_here_and_in_pandas_and_in_the_csv_module(path: Path, text: str) -> None:
    write(path, row("1", text), row("2", "after"))
    assert predictions(path) == {"1": text, "2": "after"}
    frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
    assert list(frame["prediction"]) == [text, "after"]
    with path.open(newline="", encoding="utf-8") as file:
        assert [values["prediction"] for values in csv.DictReader(file)] == [text, "after"]


@given(st.text(st.characters()), st.text(st.characters()))
@settings(max_examples=200, deadline=None)
def test_every_text_comes_back_as_its_clean_self(first: str, second: str) -> None:
    fields = next(csv.reader([encode_row([first, second]).decode()[:-1]], strict=True), [])
    text = encode_row([first, second]).decode()
    assert text.endswith("\n")
    assert text.count('"') % 2 == 0
    assert fields == [clean(first), clean(second)]


def test_what_csv_cannot_hold_becomes_the_replacement_character(path: Path) -> None:
    write(path, row("1", "nul \0, half a pair \ud800"))
    assert predictions(path) == {"1": "nul \ufffd, half a pair ?"}


class TestTornTail:
    """What a kill leaves behind is cut off; the rows before it are kept."""

    def test_at_every_byte_of_the_last_row(self, path: Path) -> None:
        write(path, row("1", "first"), row("2", 'second "with"\nlines'))
        whole = path.read_bytes()
        start = whole.index(b'"2"')
        for end in range(start + 1, len(whole)):
            path.write_bytes(whole[:end])
            assert predictions(path) == {"1": "first"}, "a reader does not see it"
            assert path.read_bytes() == whole[:end], "and does not touch it"
            write(path, row("3"))
            assert predictions(path) == {"1": "first", "3": "text"}
            assert path.read_bytes()[:start] == whole[:start]

    def test_in_the_header(self, path: Path) -> None:
        path.parent.mkdir()
        path.write_bytes(b'"index","sam')
        write(path, row("1"))
        assert predictions(path) == {"1": "text"}

    def test_of_zeros_as_a_power_cut_leaves_them(self, path: Path) -> None:
        write(path, row("1"))
        with path.open("ab") as file:
            file.write(b"\0" * 4096)
        write(path, row("2"))
        assert predictions(path) == {"1": "text", "2": "text"}


class TestHandEdits:
    """An edit that makes no sense is an error that changes nothing."""

    def refused(self, path: Path, content: bytes, sentence: str) -> None:
        path.write_bytes(content)
        for open_it in (RowTable, RowWriter):
            with pytest.raises(CacheError, match=sentence) as caught:
                open_it(path, CALL_COLUMNS)
            assert str(path) in str(caught.value)
        assert path.read_bytes() == content

    def test_nonsense(self, path: Path) -> None:
        write(path, row("1"), row("2"), row("3"))
        whole = path.read_bytes()
        self.refused(path, whole.replace(b'"2","0"', b'"2","zero"'), "is not a valid row")
        self.refused(path, whole.replace(b'"2","0",', b'"2",'), "is not a valid row")
        self.refused(path, whole.replace(b'"sample"', b'"sampl"'), "not the expected header")
        self.refused(path, b"nonsense\n", "not the expected header")
        self.refused(path, whole.replace(b"text", b"\xff", 1), "is not a valid row")

    def test_a_lost_quote_does_not_cost_the_rows_after_it(self, path: Path) -> None:
        write(path, row("1"), row("2"), row("3"))
        self.refused(path, path.read_bytes().replace(b'"text"', b'"text', 1), "a quote is missing")

    def test_a_sensible_edit_is_taken(self, path: Path) -> None:
        write(path, row("1"), row("2"))
        path.write_bytes(path.read_bytes().replace(b'"text"', b"edited", 1))
        assert predictions(path) == {"1": "edited", "2": "text"}


class TestSettle:
    def test_restores_the_order_and_keeps_one_row_a_key(self, path: Path) -> None:
        with RowWriter(path, CALL_COLUMNS) as table:
            for values in (row("9"), row("3"), row("1", "old"), row("2", sample=1), row("2")):
                table.append(values)
            table.append(row("1", "new"))
            table.compact(["1", "2", "3"])
            table.append(row("4"))
        with path.open(newline="") as file:
            values = [(v["index"], v["sample"], v["prediction"]) for v in csv.DictReader(file)]
        assert values == [
            ("1", "0", "new"),
            ("2", "0", "text"),
            ("2", "1", "text"),
            ("3", "0", "text"),
            ("9", "0", "text"),
            ("4", "0", "text"),
        ]

    def test_leaves_a_settled_file_alone(self, path: Path) -> None:
        write(path, row("1"), row("2"))
        inode = path.stat().st_ino
        with RowWriter(path, CALL_COLUMNS) as table:
            table.compact(["1", "2"])
        assert path.stat().st_ino == inode

    def test_a_reader_goes_on_with_the_file_it_opened(self, path: Path) -> None:
        write(path, row("2", "second"), row("1", "first"))
        with RowTable(path, CALL_COLUMNS) as reader:
            with RowWriter(path, CALL_COLUMNS) as table:
                table.compact(["1", "2"])
            stored = reader.row("2", 0)
        assert stored is not None and stored["prediction"] == "second"


class TestLock:
    def test_a_second_writer_waits_and_reports_for_whom(self, path: Path) -> None:
        notes: list[str] = []
        first = RowWriter(path, CALL_COLUMNS)
        second = threading.Thread(
            target=lambda: RowWriter(path, CALL_COLUMNS, on_wait=notes.append).close()
        )
        second.start()
        while not notes and second.is_alive():
            time.sleep(0.01)
        assert second.is_alive()
        (note,) = notes
        holder = (
            f"{path} is being written by process {os.getpid()} on {socket.gethostname()} since 20"
        )
        assert note.startswith(holder)
        assert note.endswith("; waiting for it.")
        first.append(row("1"))
        first.close()
        second.join(HANG_SECONDS)
        assert not second.is_alive()

    def test_an_owner_file_that_cannot_be_read_is_of_another_process(self, path: Path) -> None:
        notes: list[str] = []
        first = RowWriter(path, CALL_COLUMNS)
        path.with_name(f".{path.name}.owner").write_text("{")
        second = threading.Thread(
            target=lambda: RowWriter(path, CALL_COLUMNS, on_wait=notes.append).close()
        )
        second.start()
        while not notes and second.is_alive():
            time.sleep(0.01)
        first.close()
        second.join(HANG_SECONDS)
        assert "by another process;" in notes[0]

    def test_two_processes_never_tear_the_file(self, path: Path) -> None:
        spawn = multiprocessing.get_context("spawn")
        workers = [spawn.Process(target=_append_many, args=(path, name)) for name in "ab"]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(120)
            assert worker.exitcode == 0
        assert len(predictions(path)) == 100


def _append_many(path: Path, name: str) -> None:
    for number in range(50):
        write(path, row(f"{name}{number}", "line\n" * 50))


class TestUnwritable:
    def test_a_results_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "results").write_text("")
        with pytest.raises(ConfigError, match=r"cannot be written.*--results"):
            RowWriter(tmp_path / "results" / "x.csv", CALL_COLUMNS)

    def test_a_file_that_cannot_be_opened(self, path: Path) -> None:
        path.mkdir(parents=True)
        with pytest.raises(ConfigError, match="cannot be written"):
            RowWriter(path, CALL_COLUMNS)

    def test_a_full_disk_keeps_the_rows_before_it(self, path: Path) -> None:
        with RowWriter(path, CALL_COLUMNS) as table:
            table.append(row("1"))
            # A process may not write files beyond this size: the kernel's way to say "full".
            import resource
            import signal

            size = path.stat().st_size + 100
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
            try:
                with pytest.raises(ConfigError, match="Raise the limit on file sizes"):
                    table.append(row("2", "x" * 10_000))
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
                signal.signal(signal.SIGXFSZ, previous)
            table.append(row("3"))
        assert predictions(path) == {"1": "text", "3": "text"}


def test_writing_to_a_table_that_is_open_for_reading_is_a_mistake(path: Path) -> None:
    write(path, row("1"))
    table = RowTable(path, CALL_COLUMNS)
    table.close()
    table.close()
    with pytest.raises(ValueError, match="is closed"):
        table.row("1", 0)
