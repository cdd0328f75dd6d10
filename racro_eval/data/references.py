"""Rows of a TSV that refer to the images of other rows, resolved as the file is read.

Each row is resolved once, as soon as all rows that it refers to are resolved. References are not
followed recursively, so that a chain of them may have any length.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from racro_eval.data.images import Image
from racro_eval.errors import DataError

MAX_IMAGES = 1000
"""Images of one row. Without a limit, 40 rows with two references each could make 2^40 images."""

ImageItems = Sequence[Image | str]
"""The images of a row; a text is the index of another row, whose images are meant."""


class References:
    """Takes the rows of a file in order and returns them in order, each with its images."""

    def __init__(self, path: str) -> None:
        """path: the file, for error messages."""
        self._path = path
        self._unresolved: dict[str, ImageItems] = {}
        """Index → items, of the rows that are not resolved yet."""
        self._images: dict[str, tuple[Image, ...]] = {}
        """Index → images, of the rows that are resolved."""
        self._missing: dict[str, int] = {}
        """Index → how many of the rows that it refers to are not resolved yet."""
        self._waiting: dict[str, list[str]] = {}
        """Index of a row, read or not → the rows that refer to it."""
        self._rows: deque[tuple[str, Any]] = deque()
        """The rows to return, from the first unresolved one on."""

    def add(self, index: str, items: ImageItems, row: Any) -> None:
        """Add the next row. Raises DataError on a duplicate index or too many images."""
        if index in self._images or index in self._unresolved:
            raise DataError(f"{self._path}: duplicate index {index!r}.")
        self._rows.append((index, row))
        self._unresolved[index] = items
        others = {item for item in items if isinstance(item, str)}
        needed = {other for other in others if other not in self._images}
        self._missing[index] = len(needed)
        for other in needed:
            self._waiting.setdefault(other, []).append(index)
        if not needed:
            self._resolve(index)

    def ready(self) -> Iterator[tuple[Any, list[Image]]]:
        """The rows that can be returned now, each with its images."""
        while self._rows and self._rows[0][0] in self._images:
            index, row = self._rows.popleft()
            yield row, list(self._images[index])

    def finish(self) -> None:
        """To be called at the end of the file. Raises DataError if a row could not be resolved."""
        if self._rows:
            raise DataError(f"{self._path}, row {self._rows[0][0]}: {self._why_unresolved()}")

    def _resolve(self, first: str) -> None:
        todo = [first]
        while todo:
            index = todo.pop()
            self._images[index] = self._images_of(index)
            del self._missing[index]
            for other in self._waiting.pop(index, ()):
                self._missing[other] -= 1
                if not self._missing[other]:
                    todo.append(other)

    def _images_of(self, index: str) -> tuple[Image, ...]:
        items = self._unresolved.pop(index)
        if len(items) == 1 and isinstance(items[0], str):
            return self._images[items[0]]  # the same tuple, so that many such rows take no memory
        images: list[Image] = []
        for item in items:
            images += self._images[item] if isinstance(item, str) else (item,)
            if len(images) > MAX_IMAGES:
                raise DataError(
                    f"{self._path}, row {index}: it has more than {MAX_IMAGES:,} images."
                )
        return tuple(images)

    def _why_unresolved(self) -> str:
        """Why the first row is not resolved: a row is missing, or the references form a cycle."""
        index, visited = self._rows[0][0], set[str]()
        while index in self._unresolved and index not in visited:
            visited.add(index)
            index = next(
                item
                for item in self._unresolved[index]
                if isinstance(item, str) and item not in self._images
            )
        if index in visited:
            return f"its image refers back to row {index!r}."
        return f"there is no row {index!r} to take an image from."
