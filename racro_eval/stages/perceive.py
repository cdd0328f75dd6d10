"""The MLLM's stage: captions and tentative answers, computed once per benchmark and MLLM.

The requests of one image follow each other, so that an engine encodes each image once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from racro_eval.data import Benchmark, Sample
from racro_eval.data.questions import without_short_answer
from racro_eval.engines.base import Message, Sampling
from racro_eval.engines.model_entry import folder_name
from racro_eval.models.keys import sampling_settings
from racro_eval.models.model import Model
from racro_eval.prompting import PromptSet, Role, Template
from racro_eval.stages.rows import Digests, PlannedRow, Prompt, plan_row, row_seed
from racro_eval.stages.stage_file import StageFile
from racro_eval.store.columns import CALL_COLUMNS

SAMPLING = Sampling(temperature=0.0, max_tokens=8192)
"""The paper's sampling of captions and tentative answers: greedy, up to 8192 tokens."""


@dataclass(frozen=True)
class PerceiveJob:
    """One MLLM on one benchmark.

    files: the file of each role that is asked for. text_rows: whether rows without any image get a
    tentative answer too; the reasoner never reads one, but the base MLLM's own score needs it.
    """

    model: Model
    benchmark: Benchmark
    samples: Sequence[Sample]
    prompts: PromptSet
    seed: int
    text_rows: bool = False
    files: dict[Role, StageFile] = field(default_factory=dict)
    stage: str = "perceive"

    def outputs(self) -> list[StageFile]:
        """The files this job writes."""
        return list(self.files.values())

    def graded(self) -> list[StageFile]:
        """The tentative answers: their verdicts are the base MLLM's own row."""
        return [file for role, file in self.files.items() if role == "tentative"]

    def reads(self) -> list[StageFile]:
        """No other stage's files."""
        return []

    def rows(self, digests: Digests) -> Iterator[PlannedRow]:
        """The rows this job wants, those of one sample next to each other."""
        sampling = self.model.sampling(SAMPLING)
        for sample in self.samples:
            for role, file in self.files.items():
                if sample.images or (self.text_rows and role == "tentative"):
                    yield plan_row(
                        file,
                        sample.index,
                        0,
                        partial(perceive_prompt, sample, role, self.prompts[role], self.model),
                        seeded(sampling, self.seed, sample.index, 0),
                        digests,
                    )


def perceive_prompt(sample: Sample, role: Role, template: Template, model: Model) -> Prompt:
    """The MLLM's prompt. Only the prompt for captions keeps the sentence on short answers."""
    question = sample.question
    if role == "tentative":
        question = without_short_answer(question)
    return Prompt(chat(template, model, question=question), sample.images)


def chat(template: Template, model: Model, **values: str) -> tuple[Message, ...]:
    """The rendered messages, without the system prompt for models that want none."""
    messages = template.render(**values)
    if not model.entry.system_prompt:
        messages = tuple(message for message in messages if message.role != "system")
    return messages


def seeded(sampling: Sampling, base: int, index: str, sample: int) -> Sampling:
    """The sampling of one row: with its own seed if anything is drawn."""
    if sampling.temperature == 0:
        return sampling
    return replace(sampling, seed=row_seed(base, index, sample))


def perceive_file(
    root: Path, benchmark: Benchmark, model: Model, role: Role, prompts: PromptSet, seed: int
) -> StageFile:
    """The file of one role, one MLLM, one benchmark."""
    stage = "tentative" if role == "tentative" else "caption"
    sampling = model.sampling(SAMPLING)
    return StageFile(
        folder=root / folder_name(benchmark.name) / model.entry.folder,
        stem=stage,
        columns=CALL_COLUMNS,
        settings={
            "stage": stage,
            "model": model.key_settings(),
            "prompt": prompts[role].sha256,
            "sampling": sampling_settings(sampling, seed),
            **question_settings(benchmark),
        },
        benchmark=benchmark_identity(benchmark),
        labels={
            "benchmark": benchmark.name,
            "mllm": model.entry.name,
            "reasoner": None,
            "variant": "qa" if role == "tentative" else role,
            "prompts": prompts.name,
            "seed": seed,
        },
        about=benchmark_facts(benchmark),
    )


def benchmark_identity(benchmark: Benchmark) -> dict[str, str]:
    """The benchmark as key material."""
    return {"name": benchmark.name, "data_sha256": benchmark.data_hash}


def question_settings(benchmark: Benchmark) -> dict[str, str]:
    """The question style as a setting, where it is not RACRO's: tables keep the two apart."""
    style = benchmark.question_style
    return {} if style == "racro" else {"question_style": style}


def benchmark_facts(benchmark: Benchmark) -> dict[str, Any]:
    """The benchmark as a sidecar tells of it."""
    return {"data": {"origin": benchmark.origin, "rows": len(benchmark)}}
