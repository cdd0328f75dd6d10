"""The loading of a model: what its engine says meanwhile, and when it has taken too long.

An engine that is loaded in a process of its own reads this while it waits (`current_loading`). One
that is loaded in this process is stopped by an alarm, which works in the main thread only and not
while a library computes without asking Python.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from racro_eval.common.printable import printable
from racro_eval.errors import EngineError

_SHOWN = 200
"""Characters of an engine's own words that are shown."""
_current: ContextVar[Loading | None] = ContextVar("loading", default=None)


def _nothing() -> str:
    return ""


class Loading:
    """One model that is being loaded.

    limit_s: seconds that it may take; None for no limit. words: gives the last line of the engine's
    log; the engine sets it.
    """

    def __init__(self, name: str, limit_s: float | None = None) -> None:
        self.name, self.limit_s = name, limit_s
        self.words: Callable[[], str] = _nothing
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def check(self) -> None:
        """Raise EngineError if it has taken too long."""
        if self.limit_s is not None and self.seconds >= self.limit_s:
            raise self.too_long()

    def too_long(self) -> EngineError:
        """What is said of it then."""
        return EngineError(
            f"{self.name} was still loading after {self.seconds:.0f} s and was given up, as "
            f"--load-timeout asks.{self._quoted()}"
        )

    def __str__(self) -> str:
        return f"{self.name} is still loading after {self.seconds:.0f} s.{self._quoted()}"

    def _quoted(self) -> str:
        words = " ".join(printable(self.words()).split())
        if not words:
            return ""
        return f" Its engine last said: {words[:_SHOWN]}{'…' if len(words) > _SHOWN else ''}"

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Let the engine that is loaded in this block know of it, and hold it to its limit."""
        token = _current.set(self)
        try:
            with self._alarm():
                yield
        finally:
            _current.reset(token)

    @contextmanager
    def _alarm(self) -> Iterator[None]:
        if self.limit_s is None or not _alarm_is_free():
            yield
            return
        signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, self.limit_s)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def _ring(self, *_: object) -> None:
        raise self.too_long()


def current_loading() -> Loading:
    """The loading that an engine's constructor is part of; one without a limit if there is none."""
    return _current.get() or Loading("the model")


def _alarm_is_free() -> bool:
    """Whether this thread may set an alarm, and nobody else has set one."""
    return (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        and signal.getitimer(signal.ITIMER_REAL)[0] == 0
    )
