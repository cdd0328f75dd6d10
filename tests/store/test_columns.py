"""Columns beyond those that every file has: kept by whoever rewrites a file, added when needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from racro_eval.engines.base import Completion, Sampling
from racro_eval.errors import CacheError
from racro_eval.stages.rows import PlannedRow, Prompt, cache_row
from racro_eval.stages.stage_file import StageFile
from racro_eval.store.columns import CALL_COLUMNS, REASONING_COLUMNS
from racro_eval.store.row_index import LOGPROBS_COLUMN
from racro_eval.store.row_table import RowTable
from racro_eval.store.row_writer import RowWriter
from tests.support.results import read_csv
from tests.support.store import predictions, row, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "caption-00000000.csv"


def header(path: Path) -> tuple[str, ...]:
    return tuple(read_csv(path)[0])


def test_columns_of_newer_versions_are_kept(path: Path) -> None:
    write(path, row("2"), row("1", "line\n"))
    lines = path.read_bytes().replace(b'"created_at"\n', b'"created_at","new","newer"\n', 1)
    path.write_bytes(lines.replace(b',""\n', b',"","a","b"\n'))
    with RowWriter(path, CALL_COLUMNS) as writer:
        assert writer.header == (*CALL_COLUMNS, "new", "newer")
        writer.append(row("3"))
        writer.compact(["1", "2", "3"])
    rows = [(values["index"], values["new"], values["newer"]) for values in read_csv(path)]
    assert rows == [("1", "a", "b"), ("2", "a", "b"), ("3", "", "")]
    with RowTable(path, CALL_COLUMNS) as table:
        assert table.row("1", 0) == row("1", "line\n", new="a", newer="b")


def test_a_column_is_added_with_the_first_row_that_needs_it(path: Path) -> None:
    write(path, row("2"), row("1"))
    plain = path.read_bytes()
    write(path, row("3", more=""))
    assert path.read_bytes().startswith(plain), "an empty value needs none"
    write(path, row("4", more="4"), row("5"))
    write(path, row("6", other="6"))
    assert header(path) == (*CALL_COLUMNS, "more", "other")
    rows = [(values["index"], values["more"], values["other"]) for values in read_csv(path)]
    assert rows == [
        ("2", "", ""), ("1", "", ""), ("3", "", ""), ("4", "4", ""), ("5", "", ""), ("6", "", "6"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "spoil",
    [
        ('"index","sample"', '"sample","index"'),
        (',"created_at"', ""),
        ('"created_at"', '"created_at","index"'),
        ('"created_at"', '"created_at",""'),
        ('"created_at"', '"created_at","a","a"'),
        ('"index",', '"new","index",'),
    ],
)
def test_the_columns_that_every_file_has_come_first(path: Path, spoil: tuple[str, str]) -> None:
    write(path, row("1"))
    first, _, rest = path.read_text().partition("\n")
    content = first.replace(*spoil) + "\n" + rest
    path.write_text(content)
    with pytest.raises(CacheError, match="not the expected header"):
        RowWriter(path, CALL_COLUMNS)
    assert path.read_text() == content


def test_a_row_has_as_many_fields_as_the_header(path: Path) -> None:
    write(path, row("1", more="1"))
    content = path.read_bytes().replace(b',"1"\n', b"\n")
    path.write_bytes(content)
    with pytest.raises(CacheError, match="is not a valid row"):
        RowTable(path, CALL_COLUMNS)


def planned(path: Path, table: RowTable, sampling: Sampling) -> PlannedRow:
    file = StageFile(path.parent, "caption", CALL_COLUMNS, {}, {}, {}, table=table)
    return PlannedRow(file, "1", 0, Prompt((), ()), "ab" * 32, sampling)


class TestLogProbabilities:
    def completion(self, *values: float) -> Completion:
        return Completion("", ("text",), ("stop",), token_logprobs=(values,) if values else None)

    def test_are_kept(self, path: Path) -> None:
        write(path, row("2"))
        with RowWriter(path, CALL_COLUMNS) as writer:
            one = planned(path, writer, Sampling(logprobs=True))
            assert not one.cached
            writer.append(cache_row(one, self.completion(-0.125, -2.0, float("-inf"))))
            assert one.cached
        written = {values["index"]: values[LOGPROBS_COLUMN] for values in read_csv(path)}
        assert written["2"] == ""
        assert json.loads(written["1"]) == [-0.125, -2.0, None]

    def test_leave_no_trace_where_they_were_not_asked_for(self, path: Path) -> None:
        with RowWriter(path, CALL_COLUMNS) as writer:
            one = planned(path, writer, Sampling())
            writer.append(cache_row(one, self.completion()))
            assert one.cached
        assert header(path) == CALL_COLUMNS

    def test_a_row_without_them_is_asked_again_if_they_are_wanted(self, path: Path) -> None:
        with RowWriter(path, CALL_COLUMNS) as writer:
            writer.append(cache_row(planned(path, writer, Sampling()), self.completion()))
            assert not planned(path, writer, Sampling(logprobs=True)).cached
            writer.append(cache_row(planned(path, writer, Sampling()), self.completion(-1.0)))
            assert planned(path, writer, Sampling(logprobs=True)).cached
            assert planned(path, writer, Sampling()).cached


RESAVED = [
    ("a BOM at the start", lambda text: b"\xef\xbb\xbf" + text),
    ("a BOM at the end", lambda text: text + b"\xef\xbb\xbf"),
    ("an empty line at the end", lambda text: text + b"\n"),
    ("empty lines at the end", lambda text: text + b"\r\n\r\n \n"),
    ("an empty line at the start", lambda text: b"\n" + text),
    ("an empty line between rows", lambda text: text.replace(b'"\n"2"', b'"\n\n"2"')),
    ("line ends of another system", lambda text: text.replace(b"\n", b"\r\n")),
    ("fewer quotes", lambda text: text.replace(b'"text"', b"text")),
    ("zeros at the end, as a crash leaves them", lambda text: text + b"\0" * 5000),
    ("a torn row and zeros", lambda text: text + b'"3","0","te' + b"\0" * 500),
    ("a torn row with zeros in it", lambda text: text + b'"3","0","te\0\0xt","stop","'),
    ("a spoiled row at the end", lambda text: text + b'"3","0","te\0\0' + b'","' * 8 + b'"\n'),
]


@pytest.mark.parametrize(("what", "save"), RESAVED, ids=[what for what, _ in RESAVED])
def test_what_editors_and_crashes_leave_costs_no_row(path: Path, what: str, save: object) -> None:
    write(path, row("1"), row("2"))
    path.write_bytes(save(path.read_bytes()))  # type: ignore[operator]
    assert predictions(path) == {"1": "text", "2": "text"}
    write(path, row("3", "new"))
    assert predictions(path) == {"1": "text", "2": "text", "3": "new"}
    with RowWriter(path, CALL_COLUMNS) as writer:
        writer.append(row("0"))
        writer.compact(["0", "1", "2", "3"])
    assert list(predictions(path)) == ["0", "1", "2", "3"]
    assert [values["index"] for values in read_csv(path)] == ["0", "1", "2", "3"]


EDITED = [
    ("text at the end", lambda text: text + b"text"),
    ("a row without quotes and line end", lambda text: text + b"3,0,text,,,,,,,,"),
    ("another file behind it", lambda text: text + text),
    ("a quote lost in the first row", lambda text: text.replace(b'"text"', b'"text', 1)),
    ("a quote lost at a row's end", lambda text: text.replace(b'""\n"2"', b'"\n"2"', 1)),
    ("zeros in a row in the middle", lambda text: text.replace(b"text", b"\0\0\0\0", 1)),
    ("the line ends of old systems", lambda text: text.replace(b"\n", b"\r")),
    ("another table", lambda text: b"a,b,c\n1,2,3\n"),
    ("the start of another file", lambda text: b'"a'),
    ("an archive", lambda text: b"\x1f\x8b\x08" + bytes(range(256))),
]


@pytest.mark.parametrize(("what", "edit"), EDITED, ids=[what for what, _ in EDITED])
def test_an_edit_that_makes_no_sense_is_refused_and_left_alone(
    path: Path, what: str, edit: object
) -> None:
    write(path, row("1"), row("2"))
    content: bytes = edit(path.read_bytes())  # type: ignore[operator]
    path.write_bytes(content)
    for open_it in (RowTable, RowWriter):
        with pytest.raises(CacheError, match="cannot be read") as caught:
            open_it(path, CALL_COLUMNS)
        assert str(path) in str(caught.value) and str(caught.value).count(". ") <= 2
    assert path.read_bytes() == content


@pytest.mark.parametrize("index", ["nul \0", "half a pair \ud800", "\ufffd", "line\nbreak", ""])
def test_an_index_is_found_as_it_is_stored(path: Path, index: str) -> None:
    write(path, row(index), row("other"))
    with RowWriter(path, CALL_COLUMNS) as writer:
        assert writer.state(index, 0) is not None
        assert writer.row(index, 0) is not None
        before = path.read_bytes()
        writer.compact([index, "other"])
        assert path.read_bytes() == before


def test_a_file_of_today_is_not_changed_by_being_opened_and_settled(tmp_path: Path) -> None:
    path = tmp_path / "qcap-00000000.csv"
    content = "\n".join(
        ",".join(f'"{value}"' for value in values)
        for values in (REASONING_COLUMNS, [*("1", "0", 'say ""yes""\r\n'), *[""] * 10])
    )
    path.write_text(content + "\n", newline="")
    before = path.read_bytes()
    with RowWriter(path, REASONING_COLUMNS) as writer:
        writer.compact(["1"])
        writer.append({**dict.fromkeys(REASONING_COLUMNS, ""), "index": "0", "sample": "0"})
        writer.compact(["1", "0"])
    assert path.read_bytes().startswith(before)
