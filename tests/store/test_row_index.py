"""Where rows are in a file, and whether the file has to be written again."""

from __future__ import annotations

from racro_eval.store.row_index import RowIndex
from tests.support.store import row


def index_of(*names: tuple[str, int]) -> RowIndex:
    index = RowIndex()
    for number, (name, draw) in enumerate(names):
        index.put(row(name, sample=draw), 100 * number, 100)
    return index


def order_of(index: RowIndex, order: list[str]) -> list[tuple[str, int]] | None:
    states = index.in_order(order)
    return None if states is None else [(state.index, state.draw) for state in states]


def test_a_file_in_order_is_left_alone() -> None:
    assert order_of(index_of(("a", 0), ("a", 1), ("b", 0)), ["a", "b"]) is None


def test_rows_follow_the_order_and_then_their_draw() -> None:
    index = index_of(("b", 0), ("a", 1), ("x", 0), ("a", 0))
    assert order_of(index, ["a", "b"]) == [("a", 0), ("a", 1), ("b", 0), ("x", 0)]


def test_a_replaced_row_is_dropped_even_if_the_rest_is_in_order() -> None:
    index = index_of(("a", 0), ("b", 0), ("b", 0))
    assert order_of(index, ["a", "b"]) == [("a", 0), ("b", 0)]
    state = index.get("b", 0)
    assert state is not None and state.offset == 200
