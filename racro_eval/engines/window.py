"""Requests in flight: as many as an engine takes at a time, a new one for each that is finished."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from racro_eval.engines.base import Completion, Request


def keep_in_flight(
    requests: Iterable[Request],
    most: int,
    send: Callable[[Request], Completion | None],
    receive: Callable[[], Completion],
) -> Iterator[Completion]:
    """The completions of the requests as they finish, with at most that many in flight.

    send: starts a request; gives its completion only if it failed before it was on its way.
    receive: waits for the next one to finish. What either raises ends the stream. A request is
    taken from `requests` only when there is room for it.
    """
    in_flight = 0
    for request in requests:
        unsent = send(request)
        if unsent is not None:
            yield unsent
            continue
        in_flight += 1
        if in_flight == most:
            yield receive()
            in_flight -= 1
    for _ in range(in_flight):
        yield receive()
