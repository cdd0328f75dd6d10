"""From a run's settings to its jobs: which model asks what of which benchmark, into which file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from racro_eval.config import RunConfig
from racro_eval.data import Benchmark, Sample, load_benchmark
from racro_eval.data.spec import load_spec
from racro_eval.errors import ConfigError, UsageError
from racro_eval.locating import locate_model
from racro_eval.models import resolve_model
from racro_eval.prompting import VARIANTS, PromptSet, Role, Variant, load_prompts
from racro_eval.scoring import metric_of
from racro_eval.stages.files import Model, StageFile
from racro_eval.stages.perceive import PerceiveJob, perceive_file
from racro_eval.stages.plan import Digests, PlannedRow
from racro_eval.stages.reason import FileTexts, ReasonJob, StageTexts, Texts, reason_file


class Job(Protocol):
    """One model on one benchmark."""

    @property
    def stage(self) -> str: ...

    @property
    def model(self) -> Model: ...

    @property
    def benchmark(self) -> Benchmark: ...

    def outputs(self) -> list[StageFile]:
        """The files this job writes."""
        ...

    def graded(self) -> list[StageFile]:
        """Those of them that hold answers."""
        ...

    def reads(self) -> list[StageFile]:
        """The files of other jobs that this one reads."""
        ...

    def rows(self, digests: Digests) -> Iterator[PlannedRow]:
        """The rows this job wants."""
        ...


@dataclass
class Plan:
    """Jobs grouped by model, in the order in which they run."""

    perceive: list[list[PerceiveJob]] = field(default_factory=list)
    reason: list[list[ReasonJob]] = field(default_factory=list)
    judge: Model | None = None
    """The model that decides what the rules leave open; its jobs exist only after grading."""

    @property
    def groups(self) -> list[Sequence[Job]]:
        """All jobs, a group per model load."""
        return [*self.perceive, *self.reason]

    @property
    def jobs(self) -> list[Job]:
        """All jobs."""
        return [job for group in self.groups for job in group]


def make_plan(config: RunConfig) -> Plan:
    """The jobs of a run. Raises UsageError, DataError or MissingError; loads no model."""
    return _Planner(with_default_models(config)).plan()


def with_default_models(config: RunConfig) -> RunConfig:
    """The config with the models that its benchmarks bring, if it names none and all bring some."""
    if config.reasoner or "mllm" in config.model_fields_set:
        return config
    specs = [load_spec(name) for name in config.data]
    if not all(spec.default_mllm and spec.default_reasoners for spec in specs):
        return config
    mllms = dict.fromkeys(spec.default_mllm for spec in specs)
    reasoners = dict.fromkeys(name for spec in specs for name in spec.default_reasoners)
    return config.model_copy(update={"mllm": tuple(mllms), "reasoner": tuple(reasoners)})


def _check(config: RunConfig, variants: Sequence[Variant]) -> None:
    """Refuse settings that contradict each other, before anything is read."""
    if not config.reasoner and any(variant.reasoner for variant in variants):
        raise UsageError(
            "No reasoner was given. Name one or more with --reasoner (`racro-eval list models`), "
            "or take --variant qa for the MLLM alone."
        )
    given = [name for name in ("caption_file", "tentative_file") if getattr(config, name)]
    if given and (len(config.data) > 1 or len(config.mllm) > 1):
        flag = "--" + given[0].replace("_", "-")
        raise ConfigError(f"{flag} holds one model's texts for one benchmark: give one of each.")
    if config.tentative_file and config.answerer:
        raise ConfigError("--tentative-file and --answerer both say where answers come from.")
    if config.tentative_file and any(variant.reasoner is None for variant in variants):
        raise ConfigError(
            "The variant qa grades tentative answers: use `racro-eval grade` for those of a file."
        )


class _Planner:
    """Collects, over the cross product, the files that are needed; each file is wanted once."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.variants = [VARIANTS[name] for name in config.variant]
        _check(config, self.variants)
        self.prompts: PromptSet = load_prompts(config.prompts)
        self.results = config.results
        self._models: dict[str, Model] = {}
        self._perceive: dict[str, dict[str, PerceiveJob]] = {}
        self._reason: dict[str, dict[Path, ReasonJob]] = {}

    def plan(self) -> Plan:
        config = self.config
        for model in (*config.mllm, *config.reasoner, config.answerer, config.judge):
            if model is not None:
                resolve_model(model, config.models)  # a wrong name is said before any download
        for name in self.config.data:
            benchmark = load_benchmark(
                name,
                data_root=self.config.data_root,
                offline=self.config.offline,
                question_style=self.config.question_style,
            )
            metric_of(benchmark.spec)  # a wrong metric is said before hours of answers
            samples = benchmark.select(limit=self.config.limit, indices=self.config.index)
            if self.config.shard:
                samples = self.config.shard.take(samples)
            for mllm in self.config.mllm:
                for variant in self.variants:
                    self._add(benchmark, samples, mllm, variant)
        return Plan(
            [list(jobs.values()) for jobs in self._perceive.values()],
            [list(jobs.values()) for jobs in self._reason.values()],
            self._model(config.judge) if config.judge else None,
        )

    def _add(
        self, benchmark: Benchmark, samples: Sequence[Sample], mllm: str, variant: Variant
    ) -> None:
        """One cell of the cross product: the MLLM's files it needs, and a job per reasoner."""
        config = self.config
        captions: Texts | None = None
        tentatives: Texts | None = None
        if variant.caption:
            captions = (
                FileTexts.read(config.caption_file)
                if config.caption_file
                else StageTexts(self._perceived(benchmark, samples, mllm, variant.caption))
            )
        if variant.tentative:
            answerer = config.answerer or mllm
            tentatives = (
                FileTexts.read(config.tentative_file)
                if config.tentative_file
                else StageTexts(self._perceived(benchmark, samples, answerer, "tentative"))
            )
        if variant.reasoner is None:
            return
        texts = {
            name: source.parent
            for name, source in (("caption", captions), ("tentative", tentatives))
            if source
        }
        label = self._source_label(mllm) if texts else None
        for name in config.reasoner:
            model = self._model(name)
            file = reason_file(
                self.results, benchmark, model, variant, self.prompts, config.seed, label, texts
            )
            file.shard = config.shard
            self._reason.setdefault(name, {})[file.path] = ReasonJob(
                model,
                benchmark,
                samples,
                self.prompts,
                variant,
                file,
                captions,
                tentatives,
                config.seed,
                config.samples,
            )

    def _perceived(
        self, benchmark: Benchmark, samples: Sequence[Sample], name: str, role: Role
    ) -> StageFile:
        """The file of an MLLM's captions or tentative answers, asked for once."""
        model = self._model(name)
        jobs = self._perceive.setdefault(name, {})
        if benchmark.name not in jobs:
            text_rows = any(variant.reasoner is None for variant in self.variants)
            jobs[benchmark.name] = PerceiveJob(
                model, benchmark, samples, self.prompts, self.config.seed, text_rows
            )
        files = jobs[benchmark.name].files
        if role not in files:
            files[role] = perceive_file(
                self.results, benchmark, model, role, self.prompts, self.config.seed
            )
            files[role].shard = self.config.shard
        return files[role]

    def _source_label(self, mllm: str) -> str:
        """What tables call the origin of captions: the MLLM, or the user's file."""
        files = [path for path in (self.config.caption_file, self.config.tentative_file) if path]
        if files and "mllm" not in self.config.model_fields_set:
            return files[0].stem
        return resolve_model(mllm, self.config.models).name

    def _model(self, name: str) -> Model:
        if name not in self._models:
            self._models[name] = locate_model(name, self.config)
        return self._models[name]
