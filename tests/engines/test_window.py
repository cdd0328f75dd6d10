"""Requests in flight, with an engine that only keeps lists."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racro_eval.engines import Completion, Request
from racro_eval.engines.window import keep_in_flight
from racro_eval.errors import EngineError


class Desk:
    """Takes requests and finishes the last one first; those in `broken` cannot be sent."""

    def __init__(self, broken: set[int], dies_after: int = 99) -> None:
        self.broken = broken
        self.pulled = 0
        self.in_flight: list[str] = []
        self.most = 0
        self.left = dies_after

    def requests(self, count: int) -> Iterator[Request]:
        for number in range(count):
            self.pulled += 1
            yield Request(str(number), ())

    def send(self, request: Request) -> Completion | None:
        if int(request.id) in self.broken:
            return Completion(request.id, (), (), error="it cannot be read")
        self.in_flight.append(request.id)
        self.most = max(self.most, len(self.in_flight))
        return None

    def receive(self) -> Completion:
        if not self.left:
            raise EngineError("The engine died.")
        self.left -= 1
        return Completion(self.in_flight.pop(), ("done",), ("stop",))


@given(st.integers(0, 12), st.integers(1, 5), st.sets(st.integers(0, 11)))
def test_every_request_is_completed_once_and_no_more_are_in_flight(
    count: int, most: int, broken: set[int]
) -> None:
    desk = Desk(broken)
    done = list(keep_in_flight(desk.requests(count), most, desk.send, desk.receive))
    assert sorted(int(one.id) for one in done) == list(range(count))
    assert {int(one.id) for one in done if one.error} == broken & set(range(count))
    sent = count - len(broken & set(range(count)))
    assert desk.most == min(most, sent)


def test_a_request_is_pulled_when_there_is_room_for_it() -> None:
    desk = Desk(set())
    stream = keep_in_flight(desk.requests(9), 3, desk.send, desk.receive)
    assert desk.pulled == 0
    pulled = [desk.pulled for _ in stream]
    assert pulled == [3, 4, 5, 6, 7, 8, 9, 9, 9]


def test_a_request_that_cannot_be_sent_fails_at_once_and_takes_no_room() -> None:
    desk = Desk({0, 2})
    stream = keep_in_flight(desk.requests(5), 2, desk.send, desk.receive)
    assert [one.id for one in stream] == ["0", "2", "3", "4", "1"]


def test_an_engine_that_dies_ends_the_stream_after_what_it_has_finished() -> None:
    desk = Desk(set(), dies_after=2)
    stream = keep_in_flight(desk.requests(9), 3, desk.send, desk.receive)
    assert [next(stream).texts, next(stream).texts] == [("done",), ("done",)]
    with pytest.raises(EngineError, match="died"):
        next(stream)
