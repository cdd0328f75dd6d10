"""Benchmarks: `load_benchmark(name)` returns a sized iterable of samples."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from racro_eval.data.questions import QuestionStyle
from racro_eval.data.sample import Sample
from racro_eval.data.spec import BenchmarkSpec, load_spec
from racro_eval.data.stored_samples import StoredSamples
from racro_eval.errors import UnknownNameError

__all__ = ["Benchmark", "Sample", "load_benchmark", "read_benchmark"]


@dataclass(frozen=True)
class Benchmark:
    """A benchmark's samples in file order; each is read from disk when it is accessed.

    places: index value → position in `samples`.
    origin: the file or dataset that the rows come from, for the manifest.
    question_style: whether the samples have the paper's or the benchmark's own question text.

    >>> from racro_eval import load_benchmark
    >>> benchmark = load_benchmark("Demo_MINI")
    >>> benchmark.name, len(benchmark), benchmark["1"].index
    ('Demo_MINI', 40, '1')
    """

    spec: BenchmarkSpec
    samples: Sequence[Sample]
    places: Mapping[str, int]
    origin: str
    question_style: QuestionStyle = "racro"

    @property
    def name(self) -> str:
        return self.spec.name

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    @property
    def indices(self) -> list[str]:
        """The index values, in file order."""
        return list(self.places)

    def get(self, index: str) -> Sample | None:
        """The sample with that `index` value, or None."""
        place = self.places.get(index)
        return None if place is None else self.samples[place]

    def __getitem__(self, index: str) -> Sample:
        """The sample with that `index` value. Raises UnknownNameError."""
        sample = self.get(index)
        if sample is None:
            raise UnknownNameError(f"row in {self.name} with index", index, self.places)
        return sample

    def select(
        self, *, limit: int | None = None, indices: Iterable[str] | None = None
    ) -> Sequence[Sample]:
        """The samples with these index values (default: all), in file order; at most `limit`.

        Raises UnknownNameError on an index value that the benchmark does not have.
        """
        if indices is None:
            return self.samples[:limit]
        chosen = {sample.index: sample for sample in map(self.__getitem__, indices)}
        return sorted(chosen.values(), key=lambda sample: self.places[sample.index])[:limit]

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 over the text that models can see: index, question and options of every row.

        Gold answers are not included: a corrected label changes verdicts, which are cheap to make
        again, but not what a model was asked. Image bytes are part of each row's prompt hash.
        """
        state = hashlib.sha256()
        for sample in self.samples:
            line = [sample.index, sample.question, dict(sample.options)]
            state.update(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        return state.hexdigest()

    @cached_property
    def gold_hash(self) -> str:
        """SHA-256 over all that verdicts and scores depend on, except the responses."""
        state = hashlib.sha256()
        for sample in self.samples:
            facts = (sample.index, sample.answer, dict(sample.options), dict(sample.meta))
            line = [*facts, sample.rule, sample.scorer]
            state.update(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        return state.hexdigest()


def load_benchmark(
    name: str,
    *,
    data_root: str | Path | None = None,
    offline: bool = False,
    question_style: QuestionStyle = "racro",
) -> Benchmark:
    """Load a benchmark by its name, or by the path of a YAML file of your own.

    data_root: folder with local copies (default: the environment variable RACRO_DATA, then the user
    cache, then a download unless `offline`). question_style: "native" for the benchmark's own
    prompt in place of that of the paper's evaluation code. Raises UnknownNameError, ConfigError,
    MissingError, ChecksumError or DataError.

    >>> from racro_eval import load_benchmark
    >>> [sample.index for sample in load_benchmark("Demo_MINI").select(limit=3)]
    ['0', '1', '2']
    """
    return read_benchmark(
        load_spec(name), data_root=data_root, offline=offline, question_style=question_style
    )


def read_benchmark(
    spec: BenchmarkSpec,
    *,
    data_root: str | Path | None = None,
    offline: bool = False,
    question_style: QuestionStyle = "racro",
) -> Benchmark:
    """Load the benchmark of a spec; arguments and errors are those of `load_benchmark`."""
    from racro_eval.data import sources  # late, so that reading a spec does not load the readers

    located = sources.locate(spec, Path(data_root) if data_root else None, offline=offline)
    read = sources.read(spec, located, question_style)
    samples, places = StoredSamples.write(read, located.origin)
    return Benchmark(spec, samples, places, located.origin, question_style)
