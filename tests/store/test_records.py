"""CSV records as bytes: what is read leniently, what strictly, and what counts as nothing."""

from __future__ import annotations

import csv

import pytest

from racro_eval.store.records import decode_row, is_blank, read_named_rows, read_rows


@pytest.mark.parametrize(
    ("record", "blank"),
    [
        (b"\n", True),
        (b"\r\n", True),
        (b" \t\n", True),
        (b"\xef\xbb\xbf", True),
        (b"\xef\xbb\xbf\n", True),
        (b'"a"\n', False),
        (b" a\n", False),
        (b"a", False),
    ],
)
def test_a_record_without_content_is_blank(record: bytes, blank: bool) -> None:
    assert is_blank(record) is blank


UNUSUAL = 'a,"b"c\n'
"""A quote that ends before its field does, as hand-written files have it."""


def test_files_of_others_are_read_leniently() -> None:
    assert list(read_rows([UNUSUAL])) == [["a", "bc"]]
    assert list(read_named_rows(["x,y\n", UNUSUAL])) == [{"x": "a", "y": "bc"}]


def test_our_own_files_are_read_strictly() -> None:
    with pytest.raises(csv.Error):
        list(read_rows([UNUSUAL], strict=True))
    with pytest.raises(csv.Error):
        list(read_named_rows(["x,y\n", UNUSUAL], strict=True))
    with pytest.raises(csv.Error):
        decode_row(UNUSUAL.encode())


def test_the_limit_of_a_field_is_the_largest_that_csv_takes_on_every_platform() -> None:
    assert csv.field_size_limit() == 2**31 - 1


def test_a_field_may_be_larger_than_csv_allows_by_itself() -> None:
    large = "x" * 2_000_000
    assert decode_row(f'"{large}"\n'.encode()) == [large]


@pytest.mark.parametrize("record", ["", '"a"\n"b"\n'], ids=["none", "two"])
def test_one_record_is_exactly_one(record: str) -> None:
    with pytest.raises(ValueError):
        decode_row(record.encode())
