"""Ctrl-C, SIGTERM and a closed terminal, at moments when nothing can be lost by them.

    with handling(*COMMAND_LINE):     # signals become KeyboardInterrupt, in the main thread
        with deferred():              # here they wait for the end of the block ...
            with interruptible():     # ... but not here
                ...

A signal in a deferred block is answered at the next moment that is interruptible. Once one has been
answered, all that follows is putting things in order, so that a second signal waits too; it gets
through PATIENCE_SECONDS after the first, should order take too long.

Python asks for signals at the start of a function. A block that only begins with `finally` would
therefore have a gap, through which a signal skips it. So what needs putting in order is deferred as
a whole, and the long work in it (loading, waiting, generating) is made interruptible.

Signals reach the main thread only. In another thread, and where the caller has handlers of its own,
nothing here changes anything.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

COMMAND_LINE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a scheduler that ends a job, a terminal that is closed."""
PATIENCE_SECONDS = 5.0
"""So long at most is a second signal kept waiting."""


@dataclass(slots=True)
class _State:
    """held: signals wait. since: when the first one came (monotonic clock)."""

    held: bool = False
    since: float | None = None


_state = _State()


def _on_signal(*_: object) -> None:
    now = time.monotonic()
    first = _state.since is None
    if _state.since is None:
        _state.since = now
    if _state.held and (first or now - _state.since < PATIENCE_SECONDS):
        return
    _state.held = True
    raise KeyboardInterrupt


@contextmanager
def handling(*signals: signal.Signals) -> Iterator[None]:
    """Turn these signals into KeyboardInterrupt; afterwards their handlers are what they were.

    One that is ignored (nohup) or has a handler of somebody else's is left alone.
    """
    if not _in_main_thread():
        yield
        return
    usual = (signal.SIG_DFL, signal.default_int_handler)
    found = {number: signal.getsignal(number) for number in signals}
    ours = {number: handler for number, handler in found.items() if handler in usual}
    fresh = _on_signal not in found.values()
    if fresh:
        _state.held, _state.since = False, None
    try:
        for number in ours:
            signal.signal(number, _on_signal)
        yield
    finally:
        for number, handler in ours.items():
            if signal.getsignal(number) is _on_signal:
                signal.signal(number, handler)


def end_at_once(code: int) -> None:
    """Let a signal end the process with this exit code from now on: all is said and done."""

    def end(*_: object) -> None:
        os._exit(code)

    for number in COMMAND_LINE:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


def ignore_at_last() -> None:
    """Keep signals from a Python that is shutting down and has none of its handlers any more."""
    atexit.register(signal.pthread_sigmask, signal.SIG_BLOCK, COMMAND_LINE)


@contextmanager
def kept() -> Iterator[None]:
    """Give signals back the handlers that they have now, whatever a library installs meanwhile."""
    if not _in_main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in COMMAND_LINE}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)


class deferred:
    """A block in which signals wait. Its end raises KeyboardInterrupt if one has come.

    Within another deferred block it changes nothing.
    """

    _held = True

    def __init__(self) -> None:
        self._before = False

    def __enter__(self) -> None:
        if not _in_main_thread():
            return
        self._before = _state.held
        _state.held = self._held
        if not self._held:
            _answer()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not _in_main_thread():
            return
        if isinstance(error, KeyboardInterrupt) and _state.since is not None:
            return  # once a signal is answered, further ones wait
        _state.held = self._before
        if not (self._before and self._held):
            _answer()


class interruptible(deferred):
    """A block in a deferred one in which signals do not wait.

    One that came before raises KeyboardInterrupt at the start of it, and one that somebody has
    swallowed (a destructor, a library) at the end.
    """

    _held = False


def _answer() -> None:
    """Raise the interrupt that has waited, or that was raised and swallowed."""
    if _state.since is not None:
        _state.held = True
        raise KeyboardInterrupt


def interrupted(error: BaseException) -> bool:
    """Whether an interrupt is behind an error: itself, or what was going on when it was raised."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        behind = waiting.pop()
        if behind is None or id(behind) in seen:
            continue
        if isinstance(behind, KeyboardInterrupt):
            return True
        seen.add(id(behind))
        waiting += [behind.__cause__, behind.__context__]
        if isinstance(behind, BaseExceptionGroup):
            waiting += behind.exceptions
    return False


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
