"""A benchmark's samples in a temporary file, so that memory does not grow with their texts."""

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
    """A sequence of samples in a temporary file; each is read when it is accessed.

    Memory holds the offset and length of each sample's record only. A slice shares the file.
    """

    def __init__(
        self,
        file: _TemporaryFile,
        image_classes: dict[str, Callable[..., Image]],
        offsets: array[int],
        lengths: array[int],
    ) -> None:
        """image_classes: by name. offsets, lengths: of the records, in bytes."""
        self._file, self._image_classes = file, image_classes
        self._offsets, self._lengths = offsets, lengths

    @classmethod
    def write(cls, samples: Iterable[Sample], origin: str) -> tuple[Self, dict[str, int]]:
        """Store the samples; returns them, and index value → position in the order of the samples.

        origin: where the samples come from, for errors. Raises DataError on a duplicate index.
        """
        stored = cls(_TemporaryFile(), {}, array("Q"), array("L"))
        places: dict[str, int] = {}
        for place, sample in enumerate(samples):
            if sample.index in places:
                raise DataError(f"{origin}: duplicate index {sample.index!r}.")
            places[sample.index] = place
            stored._append(sample)
        stored._file.flush()
        return stored, places

    def _append(self, sample: Sample) -> None:
        values = {field.name: getattr(sample, field.name) for field in fields(Sample)}
        values |= {"options": dict(sample.options), "meta": dict(sample.meta)}
        values["images"] = [self._image_record(image) for image in sample.images]
        record = json.dumps(values).encode("ascii")
        self._offsets.append(self._file.append(record))
        self._lengths.append(len(record))

    def _image_record(self, image: Any) -> list[Any]:
        """The name of the image's class and the values of its fields."""
        image_class = type(image)
        self._image_classes[image_class.__name__] = image_class
        return [
            image_class.__name__,
            *(getattr(image, field.name) for field in fields(image_class)),
        ]

    def __len__(self) -> int:
        return len(self._offsets)

    @overload
    def __getitem__(self, place: int) -> Sample: ...

    @overload
    def __getitem__(self, place: slice) -> Self: ...

    def __getitem__(self, place: int | slice) -> Sample | Self:
        if isinstance(place, slice):
            parts = self._offsets[place], self._lengths[place]
            return type(self)(self._file, self._image_classes, *parts)
        values = json.loads(self._file.read(self._offsets[place], self._lengths[place]))
        records = values.pop("images")
        images = (self._image_classes[name](*arguments) for name, *arguments in records)
        return Sample(**values, images=tuple(images))


class _TemporaryFile:
    """A temporary file without a name; the system removes it when its last user has closed it."""

    def __init__(self) -> None:
        with _write_errors():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (the next line has it closed)
        weakref.finalize(self, _close, self._file)

    def append(self, record: bytes) -> int:
        """Append a record; returns its offset in bytes. It can be read after the next flush."""
        offset = self._file.tell()
        with _write_errors():
            self._file.write(record)
        return offset

    def flush(self) -> None:
        """Make all records readable."""
        with _write_errors():
            self._file.flush()

    def read(self, offset: int, length: int) -> bytes:
        """The record at an offset; both numbers are in bytes."""
        return os.pread(self._file.fileno(), length, offset)


def _close(file: IO[bytes]) -> None:
    """Close a file that is no longer needed. What could not be written to it does not matter."""
    with suppress(OSError):
        file.close()


@contextmanager
def _write_errors() -> Iterator[None]:
    """Turns an OSError into a ConfigError that says what can be done."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"A temporary file cannot be written: {error}. Set TMPDIR to a folder with free space."
        ) from error
