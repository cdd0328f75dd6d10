"""Checks that a benchmark's files are complete: hashes, number of rows, every image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from racro_eval.data import Benchmark, Sample, load_benchmark
from racro_eval.data.images import BytesImage, Image, decode, digest
from racro_eval.errors import DataError, MissingError, RacroError


@dataclass
class VerifyResult:
    """The result of verifying a benchmark.

    missing, broken: one sentence per image that does not exist, or cannot be decoded.
    duplicates: groups of index values whose rows have the same question text and images, which is
    not an error. error: why the benchmark cannot be read at all.
    """

    name: str
    origin: str = ""
    rows: int = 0
    expected: int = 0
    images: int = 0
    missing: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    duplicates: list[list[str]] = field(default_factory=list)
    error: RacroError | None = None

    @property
    def exit_code(self) -> int:
        """0 if the files are complete, 3 if images are missing, 2 if something is wrong."""
        if self.error:
            return self.error.exit_code
        if self.broken or self.rows != self.expected:
            return DataError.exit_code
        return MissingError.exit_code if self.missing else 0


def verify(
    name: str,
    data_root: Path | None,
    watch: Callable[[Benchmark], Iterable[Sample]] = iter,
) -> VerifyResult:
    """Read a whole benchmark from this machine; the network is not used.

    watch: a function that passes the samples on, for example through a progress bar.
    """
    result = VerifyResult(name)
    try:
        benchmark = load_benchmark(name, data_root=data_root, offline=True)
    except RacroError as error:
        result.error = error
        return result
    result.name, result.origin = benchmark.name, benchmark.origin
    result.rows, result.expected = len(benchmark), benchmark.spec.rows
    indices_by_content: dict[tuple[str, ...], list[str]] = {}
    for sample in watch(benchmark):
        digests = [_check_image(image, result) for image in sample.images]
        indices_by_content.setdefault((sample.question, *digests), []).append(sample.index)
    result.duplicates = [group for group in indices_by_content.values() if len(group) > 1]
    return result


def _check_image(image: Image, result: VerifyResult) -> str:
    """Decode an image; returns its digest, or its name if it cannot be read."""
    result.images += 1
    try:
        data = BytesImage(image.read(), image.name)
    except DataError as error:
        result.missing.append(str(error))
        return image.name
    try:
        decode(data)
    except DataError as error:
        result.broken.append(str(error))
    return digest(data)
