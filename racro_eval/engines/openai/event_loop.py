"""An event loop in a thread of its own, for an engine whose `stream` is not a coroutine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from concurrent.futures import Future
from threading import Thread
from typing import Any, TypeVar

Result = TypeVar("Result")
_CLOSE_TIMEOUT_S = 5.0
"""For a connection that the server does not close."""


class BackgroundLoop:
    """Runs coroutines until it is closed, which cancels those that still run."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon, so that nothing that runs here keeps the process alive.
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Start a coroutine without waiting for it. Raises RuntimeError if this is closed."""
        if self._loop.is_closed():
            work.close()
            raise RuntimeError("the event loop is closed")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Cancel what still runs, then run the last coroutine. Safe to call twice."""
        if self._loop.is_closed():
            last.close()
            return
        self.start(_cancel_all_then(last)).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_all_then(last: Coroutine[Any, Any, None]) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=_CLOSE_TIMEOUT_S)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(last, _CLOSE_TIMEOUT_S)
