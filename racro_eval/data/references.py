"""Rows of a TSV whose images are those of other rows, resolved as soon as these are read.

Each row is resolved once, when the last of the rows that it refers to has been; nothing is followed
down a chain, so that a chain may be of any length.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from racro_eval.data.images import Image
from racro_eval.errors import DataError

MOST_IMAGES = 1000
"""Images of a row. Two references in each of 40 rows would make 2 to the power of 40."""

Places = Sequence[Image | str]
"""Images, and the indices of rows whose images are meant."""


class References:
    """Takes the rows of a file in order and gives them back in order, each with its images."""

    def __init__(self, path: str) -> None:
        """path: of the file, for errors."""
        self._path = path
        self._places: dict[str, Places] = {}
        """Of the rows that are not resolved yet."""
        self._images: dict[str, tuple[Image, ...]] = {}
        self._missing: dict[str, int] = {}
        """Row → how many of the rows it refers to are not resolved yet."""
        self._waiting: dict[str, list[str]] = {}
        """Row, read or not → the rows that refer to it."""
        self._rows: deque[tuple[str, Any]] = deque()
        """The rows from the first one on that is not resolved."""

    def add(self, index: str, places: Places, row: Any) -> None:
        """Take a row. Raises DataError if its index is there already, or for too many images."""
        if index in self._images or index in self._places:
            raise DataError(f"{self._path}: the index {index!r} stands on two rows.")
        self._rows.append((index, row))
        self._places[index] = places
        others = {place for place in places if isinstance(place, str)}
        needed = {place for place in others if place not in self._images}
        self._missing[index] = len(needed)
        for other in needed:
            self._waiting.setdefault(other, []).append(index)
        if not needed:
            self._resolve(index)

    def ready(self) -> Iterator[tuple[Any, list[Image]]]:
        """The first of the rows, as far as they are resolved."""
        while self._rows and self._rows[0][0] in self._images:
            index, row = self._rows.popleft()
            yield row, list(self._images[index])

    def finish(self) -> None:
        """The file has ended. Raises DataError for the first row that could not be resolved."""
        if self._rows:
            raise DataError(f"{self._path}, row {self._rows[0][0]}: {self._obstacle()}")

    def _resolve(self, first: str) -> None:
        todo = [first]
        while todo:
            index = todo.pop()
            self._images[index] = self._gathered(index)
            del self._missing[index]
            for other in self._waiting.pop(index, ()):
                self._missing[other] -= 1
                if not self._missing[other]:
                    todo.append(other)

    def _gathered(self, index: str) -> tuple[Image, ...]:
        places = self._places.pop(index)
        if len(places) == 1 and isinstance(places[0], str):
            return self._images[places[0]]  # shared, so that many such rows take no memory
        images: list[Image] = []
        for place in places:
            images += self._images[place] if isinstance(place, str) else (place,)
            if len(images) > MOST_IMAGES:
                raise DataError(
                    f"{self._path}, row {index}: it has more than {MOST_IMAGES:,} images."
                )
        return tuple(images)

    def _obstacle(self) -> str:
        """Why the first row is not resolved: the row that is missing, or that comes again."""
        index, passed = self._rows[0][0], set[str]()
        while index in self._places and index not in passed:
            passed.add(index)
            index = next(
                place
                for place in self._places[index]
                if isinstance(place, str) and place not in self._images
            )
        if index in passed:
            return f"its image refers back to row {index!r}."
        return f"there is no row {index!r} to take an image from."
