"""Settings of the whole process, changed only while an engine works and put back afterwards.

Several engines may work at the same time, each in its own thread: what is put back is the state
from before the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars
from transformers.utils import logging

_lock = Lock()


class _Quiet:
    """Transformers says errors only, and shows no progress bars."""

    def __init__(self) -> None:
        self._inside = 0
        self._verbosity = logging.WARNING
        self._bars = self._hub_bars = True

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with _lock:
            if not self._inside:
                self._change()
            self._inside += 1
        try:
            yield
        finally:
            with _lock:
                self._inside -= 1
                if not self._inside:
                    self._put_back()

    def _change(self) -> None:
        self._verbosity = logging.get_verbosity()
        self._bars = logging.is_progress_bar_enabled()
        self._hub_bars = not are_progress_bars_disabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()

    def _put_back(self) -> None:
        logging.set_verbosity(self._verbosity)
        if self._bars:
            logging.enable_progress_bar()  # and those of the hub
            if not self._hub_bars:
                disable_progress_bars()


class _OneThread:
    """torch calculates on one thread.

    torch keeps this number for each Python thread, and the number that new threads begin with. So
    every block puts it back in its own thread.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._threads = 1

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with _lock:
            if not self._inside:
                self._threads = torch.get_num_threads()
            self._inside += 1
            before = self._threads
            torch.set_num_threads(1)
        try:
            yield
        finally:
            with _lock:
                self._inside -= 1
                torch.set_num_threads(before)


quiet = _Quiet()
one_thread = _OneThread()
