"""The store under any text, any cut, any order of writing and dying: nothing whole is lost."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.records import clean, encode_row
from racro_eval.store.row_table import RowTable
from racro_eval.store.row_writer import RowWriter
from tests.support.store import row

HEADER = len(encode_row(CALL_COLUMNS))

PIECES = ['"', '","', '"\n"', "\n", "2", "text", '"1","0","x"\n']
# What CSV is made of, more often than chance would have it.
texts = st.one_of(
    st.text(st.sampled_from('",\n\r\0a ﻿\ud800'), max_size=12),
    st.text(max_size=30),
    st.lists(
        st.sampled_from(['"', '","', '"\n"', "\n", "2", "text", '"1","0","x"\n']), max_size=8
    ).map("".join),
)
indices = st.sampled_from([*"1234", "a b", 'quo"te', "nul \0", "x\ny"])
rows = st.builds(
    lambda index, sample, text, error, more: row(
        index, text, sample, error=error, finish_reason=more
    ),
    indices,
    st.integers(0, 2),
    texts,
    st.one_of(st.just(""), texts),
    texts,
)
ORDER = ["4", "2", "nul \0", "a b"]
FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(autouse=True)
def _no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is about power cuts, and waiting for the disk is most of the time."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)


@contextmanager
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp())
    try:
        yield path / "caption-00000000.csv"
    finally:
        shutil.rmtree(path)


def cleaned(values: dict[str, str]) -> dict[str, str]:
    return {name: clean(value) for name, value in values.items()}


def kept(written: list[dict[str, str]]) -> list[dict[str, str]]:
    """What a file holds after these rows: of an index and sample the last one, in that order."""
    kept_rows: dict[tuple[str, str], dict[str, str]] = {}
    for values in map(cleaned, written):
        kept_rows.pop((values["index"], values["sample"]), None)
        kept_rows[values["index"], values["sample"]] = values
    return list(kept_rows.values())


def read(path: Path) -> list[dict[str, str]]:
    with RowTable(path, CALL_COLUMNS) as table:
        return list(table.rows())


@given(st.lists(rows, max_size=5))
@FEW
def test_any_text_in_any_column_comes_back(written: list[dict[str, str]]) -> None:
    with folder() as path:
        with RowWriter(path, CALL_COLUMNS) as writer:
            for values in written:
                writer.append(values)
        assert read(path) == kept(written)


@given(st.lists(rows, min_size=1, max_size=3))
@example([row("1"), row("2", '\n"1","0","x","","","","","","",""\n')])
@settings(FEW, max_examples=8)
def test_a_file_that_is_cut_anywhere_keeps_every_whole_row(written: list[dict[str, str]]) -> None:
    records = [encode_row(values.values()) for values in written]
    whole = encode_row(CALL_COLUMNS) + b"".join(records)
    ends = [HEADER + sum(map(len, records[:count])) for count in range(len(records) + 1)]
    with folder() as path:
        for end in range(len(whole) + 1):
            path.write_bytes(whole[:end])
            expected = kept(written[: sum(stop <= end for stop in ends[1:])])
            assert read(path) == expected, f"cut at byte {end}"
            if end % 16 == 0:
                RowWriter(path, CALL_COLUMNS).close()
                assert read(path) == expected
                path.write_bytes(whole[:end] + b"\0" * 40)
                assert read(path) == expected, "and zeros behind it"


@pytest.mark.slow
@given(
    st.lists(
        st.one_of(
            rows, st.sampled_from(["compact", "reopen"]), st.tuples(rows, st.integers(0, 99))
        ),
        max_size=12,
    )
)
@settings(FEW, max_examples=100)
def test_any_order_of_appending_dying_and_settling_ends_like_an_undisturbed_run(
    steps: list[object],
) -> None:
    """A pair is a row of which a kill lets only so many bytes to the disk; it is asked again."""
    with folder() as path, folder() as undisturbed:
        writer = RowWriter(path, CALL_COLUMNS)
        written: list[dict[str, str]] = []
        for step in steps:
            if step == "compact":
                writer.compact(ORDER)
            elif step == "reopen":
                writer.close()
                writer = RowWriter(path, CALL_COLUMNS)
            elif isinstance(step, tuple):
                values, count = step
                record = encode_row(values.values())
                _die(writer, record[: min(count, len(record) - 1)])
                writer = RowWriter(path, CALL_COLUMNS)
                writer.append(values)
                written.append(values)
            else:
                assert isinstance(step, dict)
                writer.append(step)
                written.append(step)
        writer.compact(ORDER)
        writer.close()
        with RowWriter(undisturbed, CALL_COLUMNS) as other:
            for values in written:
                other.append(values)
            other.compact(ORDER)
        files = path, undisturbed
        first, second = (sorted(read(file), key=lambda row: list(row.items())) for file in files)
        assert first == second
        places = [[v["index"] for v in read(file) if v["index"] in ORDER] for file in files]
        assert places[0] == places[1]


def _die(writer: RowWriter, torn: bytes) -> None:
    """What a kill leaves: a part of a row, an owner file of a dead process, nothing flushed."""
    os.write(writer._fd, torn)
    os.close(writer._fd)
    writer._fd = -1
    writer._lock.release()
