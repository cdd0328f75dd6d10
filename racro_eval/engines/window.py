"""A bounded number of requests in flight: whenever one finishes, the next one is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from racro_eval.engines.base import Completion, Request


def keep_in_flight(
    requests: Iterable[Request],
    limit: int,
    send: Callable[[Request], Completion | None],
    receive: Callable[[], Completion],
) -> Iterator[Completion]:
    """Yield the completions of the requests as they finish, with at most `limit` in flight.

    send: sends a request; returns a completion only if the request failed before it was sent.
    receive: waits for the next completion. What either raises ends the stream. A request is taken
    from `requests` only when there is room for it.
    """
    in_flight = 0
    for request in requests:
        failure = send(request)
        if failure is not None:
            yield failure
            continue
        in_flight += 1
        if in_flight == limit:
            yield receive()
            in_flight -= 1
    for _ in range(in_flight):
        yield receive()
