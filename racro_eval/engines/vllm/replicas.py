"""Which of a model's data parallel copies answers a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from racro_eval.data.images import Image


class Copies:
    """Sends requests over the same images to the same copy, which so encodes them once.

    The caption and the tentative answer of a row follow each other, so only the images of the last
    request are remembered. Other images go to the copy with the fewest requests over images in
    flight.

    number: how many copies there are.
    ahead: a copy with that many requests more than the least busy one gets no other for its images'
    sake, so that a benchmark whose rows share one image keeps all copies busy.
    """

    def __init__(self, number: int, ahead: int) -> None:
        self._in_flight = [0] * number
        self._ahead = ahead
        self._images: Sequence[Image] = ()
        self._copy = 0

    @contextmanager
    def one_for(self, images: Sequence[Image]) -> Iterator[int | None]:
        """The copy, from 0, that answers a request with these images; None: any, there are none."""
        if not images:
            yield None
            return
        copy = self._choose(images)
        self._in_flight[copy] += 1
        try:
            yield copy
        finally:
            self._in_flight[copy] -= 1

    def _choose(self, images: Sequence[Image]) -> int:
        least = min(self._in_flight)
        if images != self._images or self._in_flight[self._copy] >= least + self._ahead:
            self._images, self._copy = images, self._in_flight.index(least)
        return self._copy
