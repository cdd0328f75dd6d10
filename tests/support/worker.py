"""A loaded symbolic worker, for tests that are not about its start."""

from __future__ import annotations

from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.verdict import Status

# Only a CAS can tell, and it can at once.
INTEGRAL = ("\\int_0^1 2x dx", "1")


def warm_up() -> None:
    """Return when a worker has loaded; on a busy machine that takes longer than one call may."""
    for _ in range(20):
        if compare(*INTEGRAL).status is not Status.timeout:
            return
    raise AssertionError("no symbolic worker has loaded")
