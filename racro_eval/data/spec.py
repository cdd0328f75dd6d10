"""A benchmark's YAML as typed data. Adding a benchmark with a known metric is one YAML, no code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from racro_eval.errors import DataError
from racro_eval.settings import Strict, named, read_settings, shipped

_PACKAGE = "racro_eval.benchmarks"


class Fields(Strict):
    """Which column of a source holds what.

    options: one column with a list (or the text of a Python list), or one column per letter.
    image: one column with an image, a reference, a path, or a list of them; several columns for
    benchmarks with `image_1`, `image_2`, ....
    """

    index: str = "index"
    question: str = "question"
    answer: str = "answer"
    options: str | tuple[str, ...] | None = None
    image: str | tuple[str, ...] | None = "image"

    @property
    def image_columns(self) -> tuple[str, ...]:
        """The image columns, in order of display."""
        return (self.image,) if isinstance(self.image, str) else self.image or ()

    def required(self) -> list[str]:
        """The columns without which the source cannot be read."""
        columns = [self.index, self.question, self.answer]
        if isinstance(self.options, str):
            columns.append(self.options)
        if isinstance(self.image, str):
            columns.append(self.image)
        return columns


class _Source(Strict):
    fields: Fields = Fields()
    meta: dict[str, str] = Field(default_factory=dict)
    """Breakdown name → column."""
    compose: Literal["hint_choices"] | None = None
    """How to put raw question and options into the text that the benchmark's TSV carries."""


class TsvSource(_Source):
    """VLMEvalKit's layout: a tab-separated file with base64 images."""

    kind: Literal["tsv"]
    file: str
    url: str | None = None
    md5: str | None = None

    @model_validator(mode="after")
    def _one_image_column(self) -> TsvSource:
        if isinstance(self.fields.image, tuple):
            raise ValueError("a TSV has one image column, which may hold a list")
        return self


class JsonSource(_Source):
    """The official repositories' layout: JSON or JSONL beside a folder of images."""

    kind: Literal["json"]
    file: str
    images: str
    """Folder, relative to the data root, that image paths are relative to."""
    url: str | None = None
    md5: str | None = None


class HuggingFaceSource(_Source):
    """A dataset of the Hugging Face hub, or a local copy of one under the data root."""

    kind: Literal["huggingface"]
    dataset: str
    config: str | None = None
    split: str
    revision: str | None = None


class GeneratedSource(_Source):
    """Rows that racro-eval makes itself, from a seed: no file, no network, any number of them."""

    kind: Literal["generated"]
    generator: Literal["demo"]
    seed: int = Field(ge=0)
    count: int = Field(ge=1)
    fields: Fields = Fields(options="options")
    """The generator's columns are named as these are by default, and `skill`."""


StoredSource = TsvSource | JsonSource | HuggingFaceSource
Source = Annotated[StoredSource | GeneratedSource, Field(discriminator="kind")]


class RuleByRow(Strict):
    """Answer rules that differ from row to row."""

    by: str
    """The name of the meta column that decides."""
    rules: dict[str, str]
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
    question: Literal["vqa", "mcq", "mcq_or_plain", "plain"]
    """How the text T is built from question and options (see `questions.py`)."""
    answer_rule: str | RuleByRow | None = None
    """The grader's rule; by default choice for rows with options and maths for the others. A rule
    by row leaves rows with options to choice."""
    metric: str = "accuracy"
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
    def _breakdowns_exist(self) -> BenchmarkSpec:
        known = {name for source in self.sources for name in source.meta}
        missing = [name for name in self.breakdowns if name not in known]
        if missing:
            raise ValueError(f"no source gives the breakdown {missing[0]!r}")
        where = self.headline.where if self.headline else {}
        strangers = [name for name in (*self.multi_label, *where) if name not in self.breakdowns]
        if strangers:
            raise ValueError(f"{strangers[0]!r} is not one of the breakdowns")
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
        return self.answer_rule.rules[value].format_map(dict(meta))


def require(columns: Iterable[str], fields: Fields, where: str) -> None:
    """Raise DataError, naming what is there, if a column that `fields` names is missing."""
    have = set(columns)
    for column in fields.required():
        if column not in have:
            raise DataError(
                f"{where} has no column {column!r}; its columns are: {', '.join(sorted(have))}."
            )


def benchmark_names() -> list[str]:
    """The names of the benchmarks that ship with racro-eval, sorted."""
    return list(shipped(_PACKAGE))


def load_spec(name: str) -> BenchmarkSpec:
    """The spec of a shipped benchmark by name, or of the user's own YAML file by path.

    Raises UnknownNameError or ConfigError.
    """
    return read_settings(BenchmarkSpec, named(_PACKAGE, "benchmark", name))
