"""From a RunConfig to a Plan: which model answers which benchmark, and into which file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from racro_eval.common.system_errors import to_racro_error
from racro_eval.data import Benchmark, Sample, load_benchmark
from racro_eval.data.spec import load_spec
from racro_eval.errors import (
    ConfigError,
    DataError,
    MissingError,
    RacroError,
    UnknownNameError,
    UsageError,
)
from racro_eval.models.model import Model
from racro_eval.models.resolve import resolve_model
from racro_eval.pipeline.config import RunConfig
from racro_eval.pipeline.jobs import Plan
from racro_eval.pipeline.locating import locate_model
from racro_eval.pipeline.report import Failure
from racro_eval.prompting import VARIANTS, PromptSet, Role, Variant, load_prompts
from racro_eval.scoring.metrics.registry import metric_of
from racro_eval.scoring.profiles import rule_of
from racro_eval.stages.own_texts import FileTexts
from racro_eval.stages.perceive import PerceiveJob, perceive_file
from racro_eval.stages.reason import ReasonJob, StageTexts, Texts, reason_file
from racro_eval.stages.stage_file import StageFile


def make_plan(config: RunConfig) -> Plan:
    """Plan a run; loads no model.

    A model or benchmark that is not available is one of the plan's failures; the others are
    planned. Raises UsageError for an invalid request (names that do not exist, settings that
    contradict each other), and another RacroError if nothing can be run.
    """
    plan = _Planner(with_default_models(config)).plan()
    if plan.failures and not plan.groups:
        raise _nothing_to_run_error(plan.failures)
    return plan


def _nothing_to_run_error(failures: Sequence[Failure]) -> RacroError:
    """The only reason why nothing can be run, or all reasons in an error of the worst kind."""
    errors = {str(failure.error): failure.error for failure in failures}
    worst = max(errors.values(), key=lambda error: error.exit_code)
    if len(errors) == 1:
        return worst
    reasons = " ".join(map(str, failures))
    kind = MissingError if worst.exit_code == MissingError.exit_code else ConfigError
    return kind(f"Nothing can be run. {reasons}")


def with_default_models(config: RunConfig) -> RunConfig:
    """The config with the default models of its benchmarks, if it names none and all have some."""
    if config.reasoner or "mllm" in config.model_fields_set:
        return config
    specs = [load_spec(name) for name in config.data]
    if not all(spec.default_mllm and spec.default_reasoners for spec in specs):
        return config
    mllms = dict.fromkeys(spec.default_mllm for spec in specs)
    reasoners = dict.fromkeys(name for spec in specs for name in spec.default_reasoners)
    return config.model_copy(update={"mllm": tuple(mllms), "reasoner": tuple(reasoners)})


def _check(config: RunConfig, variants: Sequence[Variant]) -> None:
    """Raise UsageError for settings that contradict each other, before anything is read."""
    if not config.reasoner and any(variant.reasoner for variant in variants):
        raise UsageError(
            "No reasoner was given. Name one or more with --reasoner (`racro-eval list models`), "
            "or take --variant qa for the MLLM alone."
        )
    file_settings = [name for name in ("caption_file", "tentative_file") if getattr(config, name)]
    if file_settings and (len(config.data) > 1 or len(config.mllm) > 1):
        flag = "--" + file_settings[0].replace("_", "-")
        raise ConfigError(f"{flag} contains one model's texts for one benchmark: give one of each.")
    if config.tentative_file and config.answerer:
        raise ConfigError(
            "--tentative-file and --answerer both define where tentative answers come from."
        )
    if config.tentative_file and any(variant.reasoner is None for variant in variants):
        raise ConfigError(
            "The variant qa grades tentative answers: for those in a file use `racro-eval grade`."
        )


class _Planner:
    """Collects the files that the cross product needs; each file is planned once."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.variants = [VARIANTS[name] for name in config.variant]
        _check(config, self.variants)
        self.prompts: PromptSet = load_prompts(config.prompts)
        self.results = config.results
        self._models: dict[str, Model | None] = {}
        self._failures: list[Failure] = []
        self._left_out: list[str] = []
        self._perceive: dict[str, dict[str, PerceiveJob]] = {}
        self._reason: dict[str, dict[Path, ReasonJob]] = {}

    def plan(self) -> Plan:
        config = self.config
        # Unknown names of models, rules and metrics are errors before any download.
        for model in (*config.mllm, *config.reasoner, config.answerer, config.judge):
            if model is not None:
                resolve_model(model, config.models)
        for name in config.data:
            spec = load_spec(name)
            rule_of(spec.scorer, config.scoring)
            metric_of(spec)
        for name in config.data:
            if (benchmark := self._benchmark(name)) is None:
                continue
            samples = benchmark.select(limit=config.limit, indices=config.index)
            if config.shard:
                samples = config.shard.select(samples)
            for mllm in config.mllm:
                for variant in self.variants:
                    self._add(benchmark, samples, mllm, variant)
        return Plan(
            [list(jobs.values()) for jobs in self._perceive.values()],
            [list(jobs.values()) for jobs in self._reason.values()],
            self._model(config.judge) if config.judge else None,
            self._failures,
            list(dict.fromkeys(self._left_out)),
        )

    def _benchmark(self, name: str) -> Benchmark | None:
        """The benchmark, or None if its files are not available; the other benchmarks go on."""
        try:
            return load_benchmark(
                name,
                data_root=self.config.data_root,
                offline=self.config.offline,
                question_style=self.config.question_style,
            )
        except (DataError, MissingError, OSError) as error:
            self._failures.append(Failure("benchmark", name, to_racro_error(error)))
            return None

    def _add(
        self, benchmark: Benchmark, samples: Sequence[Sample], mllm: str, variant: Variant
    ) -> None:
        """Plan one cell of the cross product: the MLLM's files it needs, and a job per reasoner."""
        config = self.config
        captions: Texts | None = None
        tentatives: Texts | None = None
        if variant.caption:
            captions = self._texts(config.caption_file, benchmark, samples, mllm, variant.caption)
        if variant.tentative:
            answerer = config.answerer or mllm
            tentatives = self._texts(
                config.tentative_file, benchmark, samples, answerer, "tentative"
            )
        if variant.reasoner is None:
            return
        if (variant.caption and captions is None) or (variant.tentative and tentatives is None):
            source = self._source_label(mllm)
            for name in config.reasoner:
                reasoner = resolve_model(name, config.models).name
                self._left_out.append(f"{reasoner} over {source} on {benchmark.name}")
            return
        texts = {
            name: source.parent
            for name, source in (("caption", captions), ("tentative", tentatives))
            if source
        }
        label = self._source_label(mllm) if texts else None
        for name in config.reasoner:
            if (model := self._model(name)) is None:
                continue
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

    def _texts(
        self,
        user_file: Path | None,
        benchmark: Benchmark,
        samples: Sequence[Sample],
        name: str,
        role: Role,
    ) -> Texts | None:
        """The texts of the user's file, otherwise of an MLLM; None if that is not available."""
        if user_file:
            return FileTexts.read(user_file)
        file = self._perceive_file(benchmark, samples, name, role)
        return StageTexts(file) if file else None

    def _perceive_file(
        self, benchmark: Benchmark, samples: Sequence[Sample], name: str, role: Role
    ) -> StageFile | None:
        """The planned file of an MLLM's captions or tentative answers; None if it has no model."""
        if (model := self._model(name)) is None:
            return None
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
        """What tables call the source of captions: the MLLM, or the user's file."""
        files = [path for path in (self.config.caption_file, self.config.tentative_file) if path]
        if files and "mllm" not in self.config.model_fields_set:
            return files[0].stem
        return resolve_model(mllm, self.config.models).name

    def _model(self, name: str) -> Model | None:
        """The model, or None if it is not available. Raises UnknownNameError."""
        if name not in self._models:
            self._models[name] = None
            try:
                self._models[name] = locate_model(name, self.config)
            except UnknownNameError:
                raise
            except ValueError as error:  # the hub's client rejects an invalid name
                self._failures.append(Failure("model", name, self._invalid_name_error(name, error)))
            except (RacroError, OSError) as error:
                self._failures.append(Failure("model", name, to_racro_error(error)))
        return self._models[name]

    def _invalid_name_error(self, name: str, error: ValueError) -> RacroError:
        model = resolve_model(name, self.config.models).model
        if model.startswith((".", "/", "~")):
            return MissingError(f"There is no model folder {model}.")
        return ConfigError(f"The model {name} cannot be looked up: {error}")
