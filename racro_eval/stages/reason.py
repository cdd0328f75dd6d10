"""The reasoner's stage: from caption, question and tentative answer to a boxed answer."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from racro_eval.common.regular_files import open_regular
from racro_eval.data import Benchmark, Sample
from racro_eval.data.questions import without_short_answer
from racro_eval.engines.base import Sampling
from racro_eval.engines.model_entry import folder_name
from racro_eval.errors import DataError, MissingError
from racro_eval.models.keys import sampling_settings
from racro_eval.models.model import Model
from racro_eval.prompting import PromptSet, Variant
from racro_eval.stages.perceive import (
    benchmark_facts,
    benchmark_identity,
    chat,
    question_settings,
    seeded,
)
from racro_eval.stages.rows import Digests, PlannedRow, Prompt, plan_row
from racro_eval.stages.stage_file import Parent, StageFile
from racro_eval.store.columns import REASONING_COLUMNS
from racro_eval.store.records import read_named_rows
from racro_eval.thought import answer_of

SAMPLING = Sampling(temperature=0.6, top_p=0.95, max_tokens=8192)
"""The paper's sampling of reasoners."""


NO_MLLM = "no-mllm"
"""Folder of the answers of a reasoner that was given the question alone."""


class Texts(Protocol):
    """Captions or tentative answers, by a sample's index: what the reasoner reads of them.

    That is the answer alone, never the thought before it. Of a text that ends inside its thought it
    is what stood before, be it nothing.
    """

    @property
    def parent(self) -> Parent:
        """What identifies these texts in the reader's key."""
        ...

    def text(self, index: str) -> str:
        """What a row hands on. Raises DataError if there is no row."""
        ...


@dataclass(frozen=True)
class StageTexts:
    """The texts that the perceive stage wrote."""

    file: StageFile

    @property
    def parent(self) -> Parent:
        return self.file.parent

    def text(self, index: str) -> str:
        if self.file.table is None:
            self.file.open_table()
        row = self.file.row(index, 0)
        if row is None:
            raise DataError(f"There is no {self.file.stem} for row {index}.")
        if row["error"]:
            raise DataError(f"The {self.file.stem} of row {index} failed: {row['error']}")
        return answer_of(row["prediction"])


@dataclass(frozen=True)
class FileTexts:
    """The texts of a CSV of the user's, with columns `index` and `prediction`."""

    path: Path
    predictions: Mapping[str, str]
    parent: Parent

    @classmethod
    def read(cls, path: Path) -> FileTexts:
        """Read the file. Raises MissingError or DataError."""
        predictions = read_predictions(path)
        with open_regular(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:8]
        return cls(path, predictions, Parent(digest, digest))

    def text(self, index: str) -> str:
        if index not in self.predictions:
            raise DataError(f"{self.path} has no row with index {index}.")
        return answer_of(self.predictions[index])


def read_predictions(path: Path) -> dict[str, str]:
    """index → prediction of a CSV. Raises MissingError or DataError."""
    try:
        with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="") as file:
            reader = read_named_rows(file)
            for column in ("index", "prediction"):
                if column not in (reader.fieldnames or ()):
                    raise DataError(
                        f"{path} has no column {column!r}; its columns are: "
                        f"{', '.join(reader.fieldnames or ())}."
                    )
            predictions: dict[str, str] = {}
            for row in reader:
                if row["index"] in predictions:
                    raise DataError(f"{path}: the index {row['index']!r} stands on two rows.")
                predictions[row["index"]] = row["prediction"] or ""
    except FileNotFoundError:
        raise MissingError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a readable CSV: {error}.") from error
    return predictions


@dataclass(frozen=True)
class ReasonJob:
    """One reasoner on one benchmark, with one MLLM's texts and one variant.

    count: how many answers are drawn per sample.
    """

    model: Model
    benchmark: Benchmark
    samples: Sequence[Sample]
    prompts: PromptSet
    variant: Variant
    file: StageFile
    captions: Texts | None
    tentatives: Texts | None
    seed: int
    count: int = 1
    stage: str = "reason"

    def outputs(self) -> list[StageFile]:
        """The file this job writes."""
        return [self.file]

    def graded(self) -> list[StageFile]:
        """The reasoner's answers."""
        return [self.file]

    def reads(self) -> list[StageFile]:
        """The files of captions and tentative answers, where the perceive stage writes them."""
        texts = (self.captions, self.tentatives)
        return [source.file for source in texts if isinstance(source, StageTexts)]

    def rows(self, digests: Digests) -> Iterator[PlannedRow]:
        """The rows this job wants."""
        sampling = self.model.sampling(SAMPLING)
        for sample in self.samples:
            texts = self._texts(sample)
            parents = {
                "caption_sha256": _sha256(texts.get("caption")),
                "tentative_sha256": _sha256(texts.get("tentative")),
            }
            for number in range(self.count):
                yield plan_row(
                    self.file,
                    sample.index,
                    number,
                    partial(self._prompt, sample, texts),
                    seeded(sampling, self.seed, sample.index, number),
                    digests,
                    parents,
                )

    def _texts(self, sample: Sample) -> dict[str, str | DataError]:
        """What the prompt quotes of other models, by role, or why it is not there."""
        texts: dict[str, str | DataError] = {}
        for role, source in (("caption", self.captions), ("tentative", self.tentatives)):
            if sample.images and source is not None:
                try:
                    texts[role] = source.text(sample.index)
                except DataError as error:
                    texts[role] = error
        return texts

    def _prompt(self, sample: Sample, texts: Mapping[str, str | DataError]) -> Prompt:
        """The reasoner's prompt. Raises DataError if a text it needs is not there."""
        values = {"question": without_short_answer(sample.question)}
        for role, text in texts.items():
            if isinstance(text, DataError):
                raise text
            values[role] = text
        assert self.variant.reasoner is not None, "the variant has a reasoner"
        template = self.prompts[self.variant.reasoner if sample.images else "text_only"]
        return Prompt(chat(template, self.model, **values), ())


def _sha256(text: str | DataError | None) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if isinstance(text, str) else ""


def reason_file(
    root: Path,
    benchmark: Benchmark,
    model: Model,
    variant: Variant,
    prompts: PromptSet,
    seed: int,
    mllm: str | None,
    parents: Mapping[str, Parent],
) -> StageFile:
    """The file of one reasoner, one MLLM's texts (None: no texts), one benchmark, one variant."""
    sampling = model.sampling(SAMPLING)
    assert variant.reasoner is not None, "the variant has a reasoner"
    templates = [prompts[variant.reasoner].sha256, prompts["text_only"].sha256]
    mllm_folder = root / folder_name(benchmark.name) / folder_name(mllm or NO_MLLM)
    return StageFile(
        folder=mllm_folder / model.entry.folder,
        stem=variant.name,
        columns=REASONING_COLUMNS,
        settings={
            "stage": "reason",
            "variant": variant.name,
            "model": model.key_settings(),
            "prompt": templates,
            "sampling": sampling_settings(sampling, seed),
            **question_settings(benchmark),
        },
        benchmark=benchmark_identity(benchmark),
        labels={
            "benchmark": benchmark.name,
            "mllm": mllm,
            "reasoner": model.entry.name,
            "variant": variant.name,
            "prompts": prompts.name,
            "seed": seed,
        },
        about=benchmark_facts(benchmark),
        parents=parents,
    )
