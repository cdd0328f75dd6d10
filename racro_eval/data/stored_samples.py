"""A benchmark's samples, kept on disk, so that memory does not grow with the benchmark's texts."""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from typing import IO, Any, Self, overload

from racro_eval.data.images import Image
from racro_eval.data.sample import Sample
from racro_eval.errors import ConfigError, DataError


class StoredSamples(Sequence[Sample]):
    """Samples in the order given; each is made anew when it is asked for. A slice shares the file.

    In memory is, for each sample, where it lies in the file.
    """

    def __init__(
        self,
        file: _Scratch,
        kinds: dict[str, Callable[..., Image]],
        offsets: array[int],
        lengths: array[int],
    ) -> None:
        """kinds: the classes of images, by name. offsets, lengths: of the records (bytes)."""
        self._file, self._kinds = file, kinds
        self._offsets, self._lengths = offsets, lengths

    @classmethod
    def write(cls, samples: Iterable[Sample], origin: str) -> tuple[Self, dict[str, int]]:
        """Store the samples; gives them and the place of each index value, in order.

        Raises DataError, naming the origin, if two have the same index.
        """
        stored = cls(_Scratch(), {}, array("Q"), array("L"))
        places: dict[str, int] = {}
        for place, sample in enumerate(samples):
            if sample.index in places:
                raise DataError(f"{origin}: the index {sample.index!r} stands on two rows.")
            places[sample.index] = place
            stored._append(sample)
        stored._file.flush()
        return stored, places

    def _append(self, sample: Sample) -> None:
        values = {field.name: getattr(sample, field.name) for field in fields(Sample)}
        values |= {"options": dict(sample.options), "meta": dict(sample.meta)}
        values["images"] = [self._spell(image) for image in sample.images]
        record = json.dumps(values).encode("ascii")
        self._offsets.append(self._file.append(record))
        self._lengths.append(len(record))

    def _spell(self, image: Any) -> list[Any]:
        kind = type(image)
        self._kinds[kind.__name__] = kind
        return [kind.__name__, *(getattr(image, field.name) for field in fields(kind))]

    def __len__(self) -> int:
        return len(self._offsets)

    @overload
    def __getitem__(self, place: int) -> Sample: ...

    @overload
    def __getitem__(self, place: slice) -> Self: ...

    def __getitem__(self, place: int | slice) -> Sample | Self:
        if isinstance(place, slice):
            parts = self._offsets[place], self._lengths[place]
            return type(self)(self._file, self._kinds, *parts)
        values = json.loads(self._file.read(self._offsets[place], self._lengths[place]))
        images = (self._kinds[kind](*facts) for kind, *facts in values.pop("images"))
        return Sample(**values, images=tuple(images))


class _Scratch:
    """A temporary file without a name: nobody else sees it, and it ends with its last reader."""

    def __init__(self) -> None:
        with _room():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed by the next line)
        weakref.finalize(self, _close, self._file)

    def append(self, record: bytes) -> int:
        """Add a record; gives its offset (bytes). It can be read after the next flush."""
        offset = self._file.tell()
        with _room():
            self._file.write(record)
        return offset

    def flush(self) -> None:
        """Make all records readable."""
        with _room():
            self._file.flush()

    def read(self, offset: int, length: int) -> bytes:
        """The record of that place (bytes)."""
        return os.pread(self._file.fileno(), length, offset)


def _close(file: IO[bytes]) -> None:
    """Close a file that nobody needs any more, what is left to be written included."""
    with suppress(OSError):
        file.close()


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"A temporary file cannot be written: {error}. Name a folder with room in TMPDIR."
        ) from error
