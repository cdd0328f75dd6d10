"""The CPU time of one work beside that of another in the same run.

No test asserts seconds: they tell of the machine, and of what else runs on it, as much as of the
code.
"""

from __future__ import annotations

import time
from collections.abc import Callable

TIMES = 16
# Between 16, which is linear, and 256, which is quadratic, with as much room on either side.
_MOST_GROWTH = 64
# A busy machine slows one measurement down, and seldom all of them.
_ROUNDS = 5


def cpu_seconds(work: Callable[[], object]) -> float:
    """The CPU time of this thread in `work`; that of other threads and processes is not in it."""
    started = time.thread_time()
    work()
    return time.thread_time() - started


def grows_linearly(work: Callable[[str], object], text_of: Callable[[int], str], size: int) -> bool:
    """Whether `work` on the text of `size` costs about TIMES as much as on that of size / TIMES."""
    small, large = text_of(size // TIMES), text_of(size)
    work(small)  # what is loaded or compiled once counts for neither
    return any(
        cpu_seconds(lambda: work(large)) <= _MOST_GROWTH * cpu_seconds(lambda: work(small))
        for _ in range(_ROUNDS)
    )
