"""Which of a model's data-parallel replicas answers a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from racro_eval.data.images import Image


class Replicas:
    """Sends requests with the same images to the same replica, which then encodes them once.

    The caption and the tentative answer of a row follow each other, so only the images of the last
    request are remembered. Other images go to the replica with the fewest such requests in flight.

    count: how many replicas there are.
    max_lead: a replica with this many more requests in flight than the least busy one gets no
    further request for the sake of its images, so that a benchmark whose rows share one image keeps
    all replicas busy.
    """

    def __init__(self, count: int, max_lead: int) -> None:
        self._in_flight = [0] * count
        self._max_lead = max_lead
        self._last_images: Sequence[Image] = ()
        self._last_rank = 0

    @contextmanager
    def assigned_rank(self, images: Sequence[Image]) -> Iterator[int | None]:
        """The rank, from 0, of the replica for a request; None, which is any, without images.

        The request counts as in flight until the end of the block.
        """
        if not images:
            yield None
            return
        rank = self._choose(images)
        self._in_flight[rank] += 1
        try:
            yield rank
        finally:
            self._in_flight[rank] -= 1

    def _choose(self, images: Sequence[Image]) -> int:
        fewest = min(self._in_flight)
        lead = self._in_flight[self._last_rank] - fewest
        if images != self._last_images or lead >= self._max_lead:
            self._last_images, self._last_rank = images, self._in_flight.index(fewest)
        return self._last_rank
