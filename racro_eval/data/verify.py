"""Whether a benchmark's files hold what they should: hashes, rows, every image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from racro_eval.data import Benchmark, Sample, load_benchmark
from racro_eval.data.images import BytesImage, Image, decode, digest
from racro_eval.errors import DataError, MissingError, RacroError


@dataclass
class Check:
    """What was found.

    missing, broken: one sentence per image that is not there, or that cannot be decoded.
    same: groups of rows with the same question, options and images, which a benchmark may have.
    error: why it cannot be read at all.
    """

    name: str
    origin: str = ""
    rows: int = 0
    expected: int = 0
    images: int = 0
    missing: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    same: list[list[str]] = field(default_factory=list)
    error: RacroError | None = None

    @property
    def exit_code(self) -> int:
        """0 if all is well, 3 if something is only missing, 2 if something is wrong."""
        if self.error:
            return self.error.exit_code
        if self.broken or self.rows != self.expected:
            return DataError.exit_code
        return MissingError.exit_code if self.missing else 0


def verify(
    name: str,
    data_root: Path | None,
    watch: Callable[[Benchmark], Iterable[Sample]] = iter,
) -> Check:
    """Read all of a benchmark that is on this machine; takes nothing from the network.

    watch: passes the samples on, e.g. through a progress bar.
    """
    check = Check(name)
    try:
        benchmark = load_benchmark(name, data_root=data_root, offline=True)
    except RacroError as error:
        check.error = error
        return check
    check.name, check.origin = benchmark.name, benchmark.origin
    check.rows, check.expected = len(benchmark), benchmark.spec.rows
    alike: dict[tuple[str, ...], list[str]] = {}
    for sample in watch(benchmark):
        digests = [_look(image, check) for image in sample.images]
        alike.setdefault((sample.question, *digests), []).append(sample.index)
    check.same = [indices for indices in alike.values() if len(indices) > 1]
    return check


def _look(image: Image, check: Check) -> str:
    """Decode an image; what it is known by."""
    check.images += 1
    try:
        data = BytesImage(image.read(), image.name)
    except DataError as error:
        check.missing.append(str(error))
        return image.name
    try:
        decode(data)
    except DataError as error:
        check.broken.append(str(error))
    return digest(data)
