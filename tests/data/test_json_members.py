"""A list or object of JSON read a member at a time is what the json module reads at once."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racro_eval.data import json_members
from racro_eval.data.json_members import members

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
chunks = st.integers(1, 9)
indents = st.sampled_from([None, 1])


def read(text: str, chunk: int = 1 << 18) -> list[tuple[str | None, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_members, "_CHUNK", chunk)
        return list(members(io.StringIO(text)))


@given(st.lists(values, max_size=4), chunks, indents, st.booleans())
def test_lists(rows: list[Any], chunk: int, indent: int | None, ascii_: bool) -> None:
    text = json.dumps(rows, indent=indent, ensure_ascii=ascii_)
    assert read(text, chunk) == [(None, row) for row in rows]


@given(st.dictionaries(st.text(), values, max_size=4), chunks, indents)
def test_objects(rows: dict[str, Any], chunk: int, indent: int | None) -> None:
    assert read(json.dumps(rows, indent=indent), chunk) == list(rows.items())


@given(st.lists(values, min_size=1, max_size=3), chunks, st.data())
def test_a_file_that_ends_too_soon_is_an_error(
    rows: list[Any], chunk: int, data: st.DataObject
) -> None:
    text = json.dumps(rows)
    with pytest.raises(ValueError, match="character"):
        read(text[: data.draw(st.integers(0, len(text) - 1))], chunk)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "a list or an object of rows is expected (character 0)"),
        ("3", "a list or an object of rows is expected (character 0)"),
        ("[1, 2", "',' or ']' is expected (character 5)"),
        ("[1 2]", "',' or ']' is expected (character 3)"),
        ("[1,]", "Expecting value (character 3)"),
        ("[1}", "',' or ']' is expected (character 2)"),
        ("[tru]", "Expecting value (character 1)"),
        ("[1] 2", "nothing more is expected (character 4)"),
        ('{"a" 1}', "':' is expected (character 5)"),
        ("{1: 2}", "a key is expected (character 1)"),
        ('{"a": 1,}', "a key is expected (character 8)"),
        ('["a', "Unterminated string starting at (character 1)"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 1000])
def test_what_is_wrong_and_where(text: str, what: str, chunk: int) -> None:
    with pytest.raises(ValueError) as caught:
        read(text, chunk)
    assert str(caught.value) == what


def test_python_s_own_numbers_are_read() -> None:
    """Published files were written by Python, which writes what JSON has no word for."""
    ((_, value),) = read("[NaN]")
    assert value != value
    assert read("[1e5, -Infinity]", 1) == [(None, 1e5), (None, float("-inf"))]


def test_only_a_part_of_a_large_file_is_held() -> None:
    text = json.dumps([{"question": "x" * 1000}] * 1000)

    class Watched(io.StringIO):
        def read(self, size: int | None = -1) -> str:
            assert size is not None and 0 < size <= 4096, "never the whole file"
            return super().read(size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_members, "_CHUNK", 2048)
        assert sum(1 for _ in members(Watched(text))) == 1000
