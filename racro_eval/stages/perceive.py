"""The MLLM's stage: captions and tentative answers, computed once per benchmark and MLLM.

The requests for one image are consecutive, so that an engine encodes each image once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from racro_eval.data import Benchmark, Sample
from racro_eval.engines.base import Sampling
from racro_eval.engines.model_entry import folder_name
from racro_eval.models.keys import sampling_settings
from racro_eval.models.model import Model
from racro_eval.prompting import PromptSet, Role
from racro_eval.stages.prompts import caption_messages, tentative_messages
from racro_eval.stages.rows import Digests, PlannedRow, Prompt, plan_row, seeded
from racro_eval.stages.stage_file import StageFile
from racro_eval.store.columns import CALL_COLUMNS

SAMPLING = Sampling(temperature=0.0, max_tokens=8192)
"""The paper's sampling of captions and tentative answers: greedy, up to 8192 tokens."""


@dataclass(frozen=True)
class PerceiveJob:
    """One MLLM on one benchmark.

    files: the file of each role that is asked for. text_rows: whether samples without images get a
    tentative answer too; no reasoner reads it, but the score of the MLLM alone needs it.
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
        """The tentative answers: their verdicts are the score of the MLLM alone."""
        return [file for role, file in self.files.items() if role == "tentative"]

    def reads(self) -> list[StageFile]:
        """None: this is the first stage."""
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
                        partial(self._prompt, sample, role),
                        seeded(sampling, self.seed, sample.index, 0),
                        digests,
                    )

    def _prompt(self, sample: Sample, role: Role) -> Prompt:
        entry = self.model.entry
        if role == "tentative":
            return Prompt(tentative_messages(sample, self.prompts, entry), sample.images)
        return Prompt(caption_messages(sample, self.prompts, entry, role), sample.images)


def perceive_file(
    root: Path, benchmark: Benchmark, model: Model, role: Role, prompts: PromptSet, seed: int
) -> StageFile:
    """The file of one MLLM's texts of one role on one benchmark."""
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
    """What identifies the benchmark in a key."""
    return {"name": benchmark.name, "data_sha256": benchmark.data_hash}


def question_settings(benchmark: Benchmark) -> dict[str, str]:
    """The question style as a setting where it is not RACRO's, so that both have their own keys."""
    style = benchmark.question_style
    return {} if style == "racro" else {"question_style": style}


def benchmark_facts(benchmark: Benchmark) -> dict[str, Any]:
    """What a sidecar records about the benchmark."""
    return {"data": {"origin": benchmark.origin, "rows": len(benchmark)}}
