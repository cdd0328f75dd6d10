"""A benchmark's YAML as typed data. Adding a benchmark with a known metric is one YAML, no code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import model_validator

from racro_eval.common.templates import Template, check_names
from racro_eval.data.layouts import Source
from racro_eval.data.questions import BUILDERS, NATIVE_BUILDERS, Native
from racro_eval.errors import ConfigError, DataError
from racro_eval.settings import (
    Strict,
    one_of,
    parse_settings,
    read_mapping,
    yaml_named,
    yaml_registry,
)

BENCHMARKS = yaml_registry("benchmarks", "benchmark")
NATIVE = "native"
"""The question text that is the benchmark's own prompt."""
_MEAN = "AVG"
"""What tables call the mean of all benchmarks."""
_MOST_BASES = 20
"""A benchmark may extend one that extends one, and so on."""


class RuleByRow(Strict):
    """Answer rules that differ from row to row."""

    by: str
    """The name of the meta column that decides."""
    rules: dict[str, Template]
    """Its value → the rule; `{name}` stands for the row's meta value of that name."""


class Headline(Strict):
    """The rows that the headline counts, where that is not all of them."""

    where: dict[str, str]
    """Breakdown → the value that a counted row has."""
    rows: int
    """How many such rows the complete benchmark has."""


class BenchmarkSpec(Strict):
    """One benchmark: where its rows are, how its text is built, how it is scored."""

    name: str
    title: str
    description: str
    paper: str
    homepage: str
    licence: str
    rows: int
    """The number of rows of the complete benchmark; fewer makes a score partial."""
    sources: tuple[Source, ...]
    question: Annotated[str, one_of((*BUILDERS, NATIVE))]
    """How the text T is built from question and options (see `questions.py`)."""
    native: Native | Annotated[str, one_of(NATIVE_BUILDERS)] | None = None
    """The benchmark's own prompt, for `--question-style native` and `question: native`."""
    answer_rule: str | RuleByRow | None = None
    """The grader's rule; by default choice for rows with options and maths for the others. A rule
    by row leaves rows with options to choice."""
    scorer: str | None = None
    """Whose rule grades a row, where the grader's own does not fit (see `scoring/profiles.py`)."""
    metric: str = "accuracy"
    """What the verdicts become (see `scoring/metrics/registry.py`)."""
    headline: Headline | None = None
    breakdowns: tuple[str, ...] = ()
    multi_label: tuple[str, ...] = ()
    """The breakdowns whose value is a JSON list of labels; a row counts for each of them."""
    default_mllm: str | None = None
    default_reasoners: tuple[str, ...] = ()
    """Models that a run takes if it names none; for benchmarks that ship with their models."""
    paper_column: bool = False
    """Whether this is one of the columns of the paper's table."""

    @model_validator(mode="after")
    def _parts_fit_together(self) -> BenchmarkSpec:
        if self.name == _MEAN or not self.name.strip():
            raise ValueError(f"no benchmark can be called {self.name!r}")
        known = {name for source in self.sources for name in source.meta}
        missing = [name for name in self.breakdowns if name not in known]
        if missing:
            raise ValueError(f"no source has the breakdown {missing[0]!r}")
        where = self.headline.where if self.headline else {}
        unknown = [name for name in (*self.multi_label, *where) if name not in self.breakdowns]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not one of the breakdowns")
        rules = self.answer_rule.rules if isinstance(self.answer_rule, RuleByRow) else {}
        for source in self.sources:
            for rule in rules.values():
                check_names(rule, set(source.meta))
        if self.question == NATIVE and not self.native:
            raise ValueError("the question text is to be the native prompt, but there is none")
        return self

    def counts(self, row: Mapping[str, str]) -> bool:
        """Whether the headline counts a row with these breakdown values."""
        where = self.headline.where if self.headline else {}
        return all(row[name] == value for name, value in where.items())

    @property
    def counted_rows(self) -> int:
        """The number of rows that the headline of the complete benchmark counts."""
        return self.headline.rows if self.headline else self.rows

    def rule_for(self, meta: Mapping[str, str], *, options: bool) -> str | None:
        """The answer rule of a row; None for the default. Raises DataError on an unknown value."""
        if not isinstance(self.answer_rule, RuleByRow):
            return self.answer_rule
        if options:
            return "choice"
        value = meta.get(self.answer_rule.by, "")
        if value not in self.answer_rule.rules:
            raise DataError(
                f"{self.name} has no answer rule for {self.answer_rule.by} {value!r}; "
                f"it has them for {', '.join(self.answer_rule.rules)}."
            )
        # without a value behind the colon the rule is the general one: `float:` is `float`
        return self.answer_rule.rules[value].format_map(dict(meta)).removesuffix(":")


def load_spec(name: str) -> BenchmarkSpec:
    """The spec of a benchmark by name, or of the user's own YAML file by path.

    A YAML that `extends` another benchmark has all of its settings but those that it gives itself.
    Raises UnknownNameError, ConfigError or MissingError.
    """
    path = yaml_named(BENCHMARKS, name)
    content = _read(name, ())
    shared: dict[str, Any] = {
        key: content.pop(key) for key in ("fields", "meta", "where") if key in content
    }
    if isinstance(content.get("sources"), list):
        content["sources"] = [_with(source, shared) for source in content["sources"]]
    return parse_settings(BenchmarkSpec, content, str(path))


def _read(name: str, children: tuple[str, ...]) -> dict[str, Any]:
    if name in children or len(children) > _MOST_BASES:
        raise ConfigError(f"The benchmark {name} extends itself.")
    content = read_mapping(yaml_named(BENCHMARKS, name))
    base = content.pop("extends", None)
    return {**_read(str(base), (*children, name)), **content} if base else content


def _with(source: Any, shared: Mapping[str, Any]) -> Any:
    """A source with the fields, meta and where that the YAML gives for all of its sources."""
    if not isinstance(source, dict):
        return source
    return {**source, **{key: {**source.get(key, {}), **shared[key]} for key in shared}}
