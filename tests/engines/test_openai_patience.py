"""How long a server is borne with: pauses, limits of time, and what does not count for them."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("httpx2", reason="the extra `openai` is not installed")

import httpx2

from racro_eval.engines.openai import server
from racro_eval.engines.openai.access import parse_base_url
from racro_eval.engines.openai.server import (
    Server,
    _next_pause,
    _pauses,
    _retry_after,
    _TransientError,
)
from racro_eval.errors import DataError, EngineError

LOST = _TransientError("The connection was lost: x", away=True)


class Scripted(Server):
    """A server without a network: its tries and its signs of life are given."""

    def __init__(self, tries: list[Exception | bytes], away: list[str], **settings: float) -> None:
        limits = {"retries": 3, "timeout_s": 60.0, "wait_s": 60.0, **settings}
        super().__init__(parse_base_url("http://x/v1"), "m", **limits)  # type: ignore[arg-type]
        self.tries, self.away = tries, away

    async def _post(self, body: bytes) -> bytes:
        outcome = self.tries.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _away_reason(self) -> str:
        return self.away.pop(0) if self.away else ""


def complete(server: Server) -> bytes:
    async def once() -> bytes:
        try:
            return await server.complete(b"{}")
        finally:
            await server.close()

    return asyncio.run(once())


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_FIRST_PAUSE_S", 0.001)


def test_the_time_that_a_server_is_away_is_not_the_requests() -> None:
    server = Scripted([LOST, b"reply"], away=["gone"], timeout_s=0.9)  # away for a second
    assert complete(server) == b"reply"


def test_a_request_that_loses_its_connection_each_time_fails_alone() -> None:
    server = Scripted([LOST] * 4, away=[])
    with pytest.raises(DataError, match="connection was lost"):
        complete(server)
    assert server.tries == []


def test_a_server_that_goes_with_the_last_try_is_found_out() -> None:
    server = Scripted([LOST] * 4, away=["", "", "", "gone", "gone"], wait_s=0)
    with pytest.raises(EngineError, match="Nobody answers"):
        complete(server)


def test_no_further_try_is_made_where_none_is_wanted() -> None:
    server = Scripted([_TransientError("busy"), b"reply"], away=[], retries=0)
    with pytest.raises(DataError, match="busy"):
        complete(server)


def test_pauses_grow_up_to_a_minute_and_are_not_the_same_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    longest = [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    drawn = [_pauses(9) for _ in range(50)]
    for pauses in drawn:
        assert all(most / 2 <= p <= most for p, most in zip(pauses, longest, strict=True))
    assert len({tuple(pauses) for pauses in drawn}) > 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 5.0),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "86400"}, 60.0),
        ({"Retry-After": "inf"}, 60.0),
        ({"Retry-After": "-1"}, 5.0),
        ({"Retry-After": "nan"}, 5.0),
        ({"Retry-After": "soon"}, 5.0),
        ({"Retry-After-Ms": "20", "Retry-After": "7"}, 0.02),
        ({"Retry-After-Ms": "x", "Retry-After": "7"}, 7.0),
    ],
)
def test_the_pause_that_a_server_asks_for(headers: dict[str, str], seconds: float) -> None:
    assert _next_pause(_retry_after(httpx2.Headers(headers)), 5.0) == seconds
