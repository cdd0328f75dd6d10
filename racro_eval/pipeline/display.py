"""Progress of long work: a live line per stage on a terminal, plain log lines elsewhere.

Everything goes to standard error; standard output is for results. A message that cannot be written
(to a closed terminal, or a full disk behind standard error) is dropped: no row is lost because of
it.
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

from racro_eval.common.name_list import abbreviated
from racro_eval.common.printable import printable
from racro_eval.common.tolerant_stream import tolerant_stream

if TYPE_CHECKING:
    from racro_eval.engines.loading import Loading

_LOG_SECONDS = 30.0
LOADING_SECONDS = 60.0
"""Interval of the messages that a model is still loading."""
SILENCE_SECONDS = 600.0
"""Interval of the messages that no row has been finished."""


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
        self._began = self._model_ready = self._last_row = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the stage began, including the loading of its model."""
        return time.monotonic() - self._began

    @property
    def seconds_ready(self) -> float:
        """Seconds since the model was ready."""
        return time.monotonic() - self._model_ready

    def restart(self) -> None:
        """Measure the speed from now on, because the model is ready."""
        self._model_ready = self._last_row = time.monotonic()

    @contextmanager
    def loading(self, loading: Loading) -> Iterator[None]:
        """Report regularly, inside the block, that the model is still loading."""
        with _repeating(LOADING_SECONDS, lambda: self._log(str(loading))):
            yield

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Report regularly, inside the block, if no row has been finished for a long time."""

        def check() -> None:
            seconds = time.monotonic() - self._last_row
            if seconds >= SILENCE_SECONDS:
                self._log(f"{self.title}: no row has been finished for {seconds:.0f} s.")

        with _repeating(SILENCE_SECONDS, check):
            yield

    def advance(self, row: Mapping[str, str]) -> None:
        """Count a finished row and show it."""
        self._last_row = time.monotonic()
        self.done += 1
        self.new += 1
        self.failed += row["error"] != ""
        self.tokens += int(row["completion_tokens"] or 0)
        self._show(self)

    def speed(self) -> str:
        """The number of failed rows, if any, and tokens per second, as text."""
        failed = f"{self.failed} failed, " if self.failed else ""
        return f"{failed}{self.tokens / max(self.seconds_ready, 1e-9):.0f} tokens/s"


class _WarningHandler(logging.Handler):
    """Passes each warning to a function as a line."""

    def __init__(self, log: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log(record.getMessage())


@contextmanager
def _repeating(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Call `action` every `seconds`, in a thread, while the block runs."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            action()

    thread = threading.Thread(target=repeat, name="racro-eval-watch", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system allows no more threads: go on without the messages
        yield
        return
    try:
        yield
    finally:
        ended.set()


class Display:
    """Shows progress and messages on a console (standard error by default)."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=tolerant_stream(sys.stderr))

    def log(self, text: str) -> None:
        """Show one line."""
        self.console.print(
            printable(text), markup=False, emoji=False, highlight=False, soft_wrap=True
        )

    @contextmanager
    def stage(
        self, title: str, total: int, cached: int, paths: list[Path]
    ) -> Iterator[StageProgress]:
        """Show a stage of `total` rows, `cached` of which exist already, in the files `paths`."""
        files = abbreviated([str(path) for path in paths], limit=1)
        self.log(f"{title}: {total} rows, {cached} cached → {files}")
        show = self._live if self.console.is_terminal and cached < total else self._lines
        with show(title, total, cached) as progress:
            yield progress
        if progress.new:
            self.log(f"{title}: {progress.done}/{total} rows, {progress.speed()}")

    @contextmanager
    def warnings(self) -> Iterator[None]:
        """Show warnings that are logged inside the block, such as a server that is away."""
        logger, handler = logging.getLogger("racro_eval"), _WarningHandler(self.log)
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)

    @contextmanager
    def _lines(self, title: str, total: int, cached: int) -> Iterator[StageProgress]:
        """Show log lines at intervals."""
        logged = time.monotonic()

        def show(progress: StageProgress) -> None:
            nonlocal logged
            if time.monotonic() - logged < _LOG_SECONDS:
                return
            logged = time.monotonic()
            left = progress.seconds_ready / progress.new * (total - progress.done)
            self.log(
                f"{title}: {progress.done}/{total} rows, {progress.speed()}, "
                f"about {left / 60:.0f} min left"
            )

        yield StageProgress(title, total, cached, show, self.log)

    @contextmanager
    def _live(self, title: str, total: int, cached: int) -> Iterator[StageProgress]:
        """Show a progress bar."""
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
