"""How long work shows itself: a live line per stage on a terminal, plain log lines elsewhere.

Everything goes to standard error; standard output is for results. What cannot be shown (a terminal
that is closed, a full disk behind standard error) is not shown: no row is lost by that.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from racro_eval.common.printable import printable
from racro_eval.common.tolerant_stream import tolerant_stream

if TYPE_CHECKING:
    from racro_eval.engines.loading import Loading

_LOG_SECONDS = 30.0
LOADING_SECONDS = 60.0
"""A model that still loads is mentioned so often."""
SILENCE_SECONDS = 600.0
"""So is a stage in which no row is finished."""


class StageProgress:
    """The state of a running stage; `advance` takes each new row and calls `show`."""

    def __init__(
        self,
        title: str,
        total: int,
        cached: int,
        show: Callable[[StageProgress], None],
        log: Callable[[str], None],
    ) -> None:
        self.title, self.total, self.done = title, total, cached
        self.new = self.failed = self.tokens = 0
        self._show, self._log = show, log
        self._began = self._started = self._heard = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the stage began, the loading of its model included."""
        return time.monotonic() - self._began

    @property
    def working(self) -> float:
        """Seconds since the model was ready."""
        return time.monotonic() - self._started

    def restart(self) -> None:
        """The model is ready: speed counts from now."""
        self._started = self._heard = time.monotonic()

    @contextmanager
    def loading(self, loading: Loading) -> Iterator[None]:
        """Say now and then in this block that a model is still loading."""
        with _every(LOADING_SECONDS, lambda: self._log(str(loading))):
            yield

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Say now and then in this block that no row has been finished for long, if so."""

        def look() -> None:
            silent = time.monotonic() - self._heard
            if silent >= SILENCE_SECONDS:
                self._log(f"{self.title}: no row has been finished for {silent:.0f} s.")

        with _every(SILENCE_SECONDS, look):
            yield

    def advance(self, row: Mapping[str, str]) -> None:
        """Count a finished row and show it."""
        self._heard = time.monotonic()
        self.done += 1
        self.new += 1
        self.failed += row["error"] != ""
        self.tokens += int(row["completion_tokens"] or 0)
        self._show(self)

    def speed(self) -> str:
        """Failed rows, if any, and tokens per second, as text."""
        failed = f"{self.failed} failed, " if self.failed else ""
        return f"{failed}{self.tokens / max(self.working, 1e-9):.0f} tokens/s"


class _Lines(logging.Handler):
    """Gives each warning as a line."""

    def __init__(self, log: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log(record.getMessage())


@contextmanager
def _every(seconds: float, do: Callable[[], None]) -> Iterator[None]:
    """Call `do` every so many seconds, in a thread of its own, while the block runs."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(seconds):
            do()

    thread = threading.Thread(target=work, name="racro-eval-watch", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no thread to be had: then nothing is said
        yield
        return
    try:
        yield
    finally:
        ended.set()


class Display:
    """Shows progress and notes on a console (standard error by default)."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=tolerant_stream(sys.stderr))

    def log(self, text: str) -> None:
        """One line for the user."""
        self.console.print(
            printable(text), markup=False, emoji=False, highlight=False, soft_wrap=True
        )

    @contextmanager
    def stage(
        self, title: str, total: int, cached: int, paths: list[Path]
    ) -> Iterator[StageProgress]:
        """Show a stage of `total` rows, `cached` of them there already, written to `paths`."""
        where = str(paths[0]) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
        self.log(f"{title}: {total} rows, {cached} cached → {where}")
        show = self._live if self.console.is_terminal and cached < total else self._lines
        with show(title, total, cached) as progress:
            yield progress
        if progress.new:
            self.log(f"{title}: {progress.done}/{total} rows, {progress.speed()}")

    @contextmanager
    def warnings(self) -> Iterator[None]:
        """Show what is warned of meanwhile: a server that is waited for, say."""
        logger, handler = logging.getLogger("racro_eval"), _Lines(self.log)
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)

    @contextmanager
    def _lines(self, title: str, total: int, cached: int) -> Iterator[StageProgress]:
        """A log line now and then."""
        logged = time.monotonic()

        def show(progress: StageProgress) -> None:
            nonlocal logged
            if time.monotonic() - logged < _LOG_SECONDS:
                return
            logged = time.monotonic()
            left = progress.working / progress.new * (total - progress.done)
            self.log(
                f"{title}: {progress.done}/{total} rows, {progress.speed()}, "
                f"about {left / 60:.0f} min left"
            )

        yield StageProgress(title, total, cached, show, self.log)

    @contextmanager
    def _live(self, title: str, total: int, cached: int) -> Iterator[StageProgress]:
        """A bar that moves."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[speed]}"),
        )
        with Progress(*columns, console=self.console, transient=True) as live:
            task = live.add_task(escape(printable(title)), total=total, completed=cached, speed="")

            def show(progress: StageProgress) -> None:
                live.update(task, completed=progress.done, speed=progress.speed())

            yield StageProgress(title, total, cached, show, self.log)
