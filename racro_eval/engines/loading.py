"""The loading of a model: its progress for messages, and its time limit.

An engine that loads in a child process checks the limit while it waits (`current_loading`). One
that loads in this process is stopped by an alarm, which works only in the main thread and not while
a library computes without returning to Python.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from racro_eval.engines.failures import one_line
from racro_eval.errors import EngineError

_LONGEST_LOG_LINE = 200
"""Characters of a line of an engine's log that are shown."""
_current: ContextVar[Loading | None] = ContextVar("loading", default=None)


class Loading:
    """One model that is being loaded.

    limit_s: how many seconds it may take; None for no limit. log_line: returns the last line of the
    engine's log; the engine sets it.
    """

    def __init__(self, name: str, limit_s: float | None = None) -> None:
        self.name, self.limit_s = name, limit_s
        self.log_line: Callable[[], str] = lambda: ""
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def check(self) -> None:
        """Raise EngineError if it has taken too long."""
        if self.limit_s is not None and self.seconds >= self.limit_s:
            raise self.timeout_error()

    def timeout_error(self) -> EngineError:
        """The error of a loading that has taken too long."""
        return EngineError(
            f"{self.name} was still loading after {self.seconds:.0f} s, the limit of "
            f"--load-timeout.{self._log_sentence()}"
        )

    def __str__(self) -> str:
        return f"{self.name} is still loading after {self.seconds:.0f} s.{self._log_sentence()}"

    def _log_sentence(self) -> str:
        line = one_line(self.log_line(), _LONGEST_LOG_LINE)
        return f" The last line of its log: {line}" if line else ""

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Make this the current loading in a block, which ends with EngineError after the limit."""
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
        signal.signal(signal.SIGALRM, self._on_alarm)
        signal.setitimer(signal.ITIMER_REAL, self.limit_s)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def _on_alarm(self, *_: object) -> None:
        raise self.timeout_error()


def current_loading() -> Loading:
    """The loading that an engine's constructor is part of; one without a limit outside any."""
    return _current.get() or Loading("the model")


def _alarm_is_free() -> bool:
    """Whether this thread may set an alarm and none is set."""
    return (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        and signal.getitimer(signal.ITIMER_REAL)[0] == 0
    )
