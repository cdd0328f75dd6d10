"""Ctrl-C, SIGTERM and a closed terminal, handled at moments when nothing can be lost.

    with handling(*TERMINATING_SIGNALS):  # signals become KeyboardInterrupt, in the main thread
        with deferred():                  # here they wait for the end of the block ...
            with interruptible():         # ... but not here
                ...

A signal in a deferred block raises KeyboardInterrupt at the next interruptible moment. After that
only cleanup follows, so a second signal waits too, but only until LONGEST_DEFERRAL_S after the
first one, in case the cleanup hangs.

Python checks for signals at the start of every function, so a signal can skip a `finally` block
that is just about to start. Code that needs cleanup is therefore deferred as a whole, and the long
work inside it (loading, waiting, generating) is made interruptible.

Signals reach the main thread only. In another thread, and where the caller has its own handlers,
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

TERMINATING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a scheduler that ends a job, a terminal that is closed."""
LONGEST_DEFERRAL_S = 5.0
"""A second signal is deferred until this many seconds after the first one."""


@dataclass(slots=True)
class _State:
    """deferring: signals wait. first_at: when the first one arrived (monotonic clock)."""

    deferring: bool = False
    first_at: float | None = None


_state = _State()


def _on_signal(*_: object) -> None:
    now = time.monotonic()
    is_first = _state.first_at is None
    if _state.first_at is None:
        _state.first_at = now
    if _state.deferring and (is_first or now - _state.first_at < LONGEST_DEFERRAL_S):
        return
    _state.deferring = True
    raise KeyboardInterrupt


@contextmanager
def handling(*signals: signal.Signals) -> Iterator[None]:
    """Turn these signals into KeyboardInterrupt inside the block; restore their handlers after it.

    A signal that is ignored (nohup) or that already has a custom handler is left alone.
    """
    if not _in_main_thread():
        yield
        return
    defaults = (signal.SIG_DFL, signal.default_int_handler)
    current = {number: signal.getsignal(number) for number in signals}
    replaced = {number: handler for number, handler in current.items() if handler in defaults}
    is_outermost = _on_signal not in current.values()
    if is_outermost:
        _state.deferring, _state.first_at = False, None
    try:
        for number in replaced:
            signal.signal(number, _on_signal)
        yield
    finally:
        for number, handler in replaced.items():
            if signal.getsignal(number) is _on_signal:
                signal.signal(number, handler)


def exit_on_signal(code: int) -> None:
    """From now on a signal ends the process at once with this exit code: the work is done."""

    def end(*_: object) -> None:
        os._exit(code)

    for number in TERMINATING_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


def block_signals_at_exit() -> None:
    """Block signals while Python shuts down, when its handlers no longer exist."""
    atexit.register(signal.pthread_sigmask, signal.SIG_BLOCK, TERMINATING_SIGNALS)


@contextmanager
def preserved_handlers() -> Iterator[None]:
    """Restore the current signal handlers after the block, in case a library replaces them."""
    if not _in_main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in TERMINATING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)


class deferred:
    """A block in which signals wait. Its end raises KeyboardInterrupt if one has arrived.

    Inside another deferred block it changes nothing.
    """

    _deferring = True

    def __init__(self) -> None:
        self._before = False

    def __enter__(self) -> None:
        if not _in_main_thread():
            return
        self._before = _state.deferring
        _state.deferring = self._deferring
        if not self._deferring:
            _raise_pending()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not _in_main_thread():
            return
        if isinstance(error, KeyboardInterrupt) and _state.first_at is not None:
            return  # the signal has been raised; further ones wait
        _state.deferring = self._before
        if not (self._before and self._deferring):
            _raise_pending()


class interruptible(deferred):
    """A block inside a deferred one in which signals do not wait.

    Raises KeyboardInterrupt at its start if a signal is already waiting, and at its end if one was
    swallowed inside it (by a destructor or a library).
    """

    _deferring = False


def _raise_pending() -> None:
    """Raise the interrupt that was deferred or swallowed, if there is one."""
    if _state.first_at is not None:
        _state.deferring = True
        raise KeyboardInterrupt


def caused_by_interrupt(error: BaseException) -> bool:
    """Whether an error is a KeyboardInterrupt or has one among its causes and contexts."""
    visited: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        current = queue.pop()
        if current is None or id(current) in visited:
            continue
        if isinstance(current, KeyboardInterrupt):
            return True
        visited.add(id(current))
        queue += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            queue += current.exceptions
    return False


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
