"""The reasoner's stage: from caption, question and tentative answer to a boxed answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from racro_eval.data import Benchmark, Sample
from racro_eval.engines.base import Sampling
from racro_eval.engines.model_entry import folder_name
from racro_eval.errors import DataError
from racro_eval.models.keys import sampling_settings
from racro_eval.models.model import Model
from racro_eval.prompting import PromptSet, Variant
from racro_eval.stages.perceive import benchmark_facts, benchmark_identity, question_settings
from racro_eval.stages.prompts import messages_from_answers
from racro_eval.stages.rows import Digests, PlannedRow, Prompt, plan_row, seeded
from racro_eval.stages.stage_file import Parent, StageFile
from racro_eval.store.columns import REASONING_COLUMNS
from racro_eval.thought import answer_of

SAMPLING = Sampling(temperature=0.6, top_p=0.95, max_tokens=8192)
"""The paper's sampling of reasoners."""

NO_MLLM = "no-mllm"
"""The folder of answers for which the reasoner read the question alone."""


class Texts(Protocol):
    """Captions or tentative answers by the index of their sample, as the reasoner reads them.

    The reasoner reads the answer, never the thought before it. A text that ends inside its thought
    has what came before the thought as its answer, which may be empty.
    """

    @property
    def parent(self) -> Parent:
        """What identifies these texts in the key of the reasoner's file."""
        ...

    def text(self, index: str) -> str:
        """The answer in a sample's text. Raises DataError if there is no text."""
        ...


@dataclass(frozen=True)
class StageTexts:
    """The texts that an MLLM wrote in the perceive stage."""

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
class ReasonJob:
    """One reasoner on one benchmark, with one MLLM's texts and one variant.

    draws: how many answers are drawn for each sample.
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
    draws: int = 1
    stage: str = "reason"

    def outputs(self) -> list[StageFile]:
        """The file this job writes."""
        return [self.file]

    def graded(self) -> list[StageFile]:
        """The reasoner's answers."""
        return [self.file]

    def reads(self) -> list[StageFile]:
        """The files of captions and tentative answers that the perceive stage writes."""
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
            for draw in range(self.draws):
                yield plan_row(
                    self.file,
                    sample.index,
                    draw,
                    partial(self._prompt, sample, texts),
                    seeded(sampling, self.seed, sample.index, draw),
                    digests,
                    parents,
                )

    def _texts(self, sample: Sample) -> dict[str, str | DataError]:
        """The answers that the prompt quotes, by role, or why one is missing."""
        texts: dict[str, str | DataError] = {}
        for role, source in (("caption", self.captions), ("tentative", self.tentatives)):
            if sample.images and source is not None:
                try:
                    texts[role] = source.text(sample.index)
                except DataError as error:
                    texts[role] = error
        return texts

    def _prompt(self, sample: Sample, texts: Mapping[str, str | DataError]) -> Prompt:
        """The reasoner's prompt. Raises DataError if a text that it needs is missing."""
        answers: dict[str, str] = {}
        for role, text in texts.items():
            if isinstance(text, DataError):
                raise text
            answers[role] = text
        messages = messages_from_answers(
            sample, self.prompts, self.model.entry, answers, self.variant.name
        )
        return Prompt(messages, ())


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
    """The file of one reasoner's answers on one benchmark, with one variant.

    mllm: whose texts the reasoner reads; None if it reads none. parents: the files of these texts.
    """
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
