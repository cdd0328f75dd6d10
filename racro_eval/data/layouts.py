"""How the files of a benchmark are laid out, as its YAML says it: one class per kind of source."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from racro_eval.common.templates import Template, check_names, names_in
from racro_eval.data.questions import COMPOSERS
from racro_eval.errors import DataError
from racro_eval.settings import Strict, one_of

ROW_KEY = "_key"
"""The column that holds a row's key, where a JSON file is an object of rows."""

GENERATORS = {"demo": "racro_eval.demo.rows:rows"}
"""Functions from a seed and a number of rows to the rows and their images, imported when used."""

Value = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]
"""A cell's text, which a YAML may write as a number."""


class Fields(Strict):
    """Which column of a source holds what. `metadata.subject` means a key of the object (or of the
    text of one) in the column `metadata`.

    index: a column, or a template of columns such as `{ID}-{part}`.
    options: one column with a list (or the text of one, also `A. 3; B. 4`), or one column per
    letter. answer_is: whether rows with options have the right one's letter or its text; or
    whether the answer is a list of texts. question: null where the whole question is an image.
    image: one column with an image, a reference, a path, or a list of them; several columns for
    benchmarks with `image_1`, `image_2`, .... image_path: a TSV's column of file names, for rows
    whose image is not in the TSV itself. hint: a column of hints, where there is one.
    """

    index: Template = "index"
    question: str | None = "question"
    answer: str = "answer"
    answer_is: Literal["letter", "text", "list"] = "letter"
    options: str | tuple[str, ...] | None = None
    image: str | tuple[str, ...] | None = "image"
    image_path: str = "image_path"
    hint: str = "hint"

    @property
    def image_columns(self) -> tuple[str, ...]:
        """The image columns, in order of display."""
        return (self.image,) if isinstance(self.image, str) else self.image or ()

    @property
    def index_columns(self) -> list[str]:
        """The columns that the index is made of."""
        return sorted(names_in(self.index)) if "{" in self.index else [self.index]

    def required(self) -> list[str]:
        """The columns without which the source cannot be read."""
        columns = [*self.index_columns, *([self.question] if self.question else []), self.answer]
        if isinstance(self.options, str):
            columns.append(self.options)
        if isinstance(self.image, str):
            columns.append(self.image)
        return columns


class Grouped(Strict):
    """A breakdown that gathers a column's values: disciplines from subjects, say.

    A value that is in no group stays as it is.
    """

    column: str
    groups: dict[str, tuple[str, ...]]

    def of(self, value: str) -> str:
        """The group of a value."""
        return next((name for name, values in self.groups.items() if value in values), value)


class _Source(Strict):
    fields: Fields = Fields()
    meta: dict[str, str | Grouped] = Field(default_factory=dict)
    """Breakdown name → column."""
    compose: Annotated[str, one_of(COMPOSERS)] | None = None
    """How to put raw question and options into the text that the benchmark's TSV carries."""
    composed: bool = False
    """Whether the question column holds such a text already."""
    where: dict[str, Value] = Field(default_factory=dict)
    """Column → the value that the benchmark's rows have in a file that holds other rows too."""
    skip: tuple[Value, ...] = ()
    """The index values of rows that are no questions."""


class _Parted(_Source):
    """A source that may lie in several files or splits."""

    parts: dict[str, tuple[Value, ...]] = Field(default_factory=dict)
    """Name → values. There is a part for every combination; `{name}` in the file, folder, config or
    split stands for its value, and its rows have it as a column of that name."""

    @model_validator(mode="after")
    def _parts_are_known(self) -> Self:
        for name in ("file", "images", "config", "split"):
            check_names(getattr(self, name, None) or "", set(self.parts))
        return self

    def each_part(self) -> Iterator[Mapping[str, str]]:
        """The values of every part: one part without any if there are no `parts`."""
        for values in itertools.product(*self.parts.values()):
            yield dict(zip(self.parts, values, strict=True))


class _Published(Strict):
    """A file, where it can be fetched, and what is known of its content."""

    file: str
    url: str | None = None
    md5: str | None = None
    sha256: str | None = None

    @property
    def hashes(self) -> dict[str, str]:
        """Algorithm → hex digest of the published file."""
        known = {"md5": self.md5, "sha256": self.sha256}
        return {name: value for name, value in known.items() if value}


class TsvSource(_Published, _Source):
    """VLMEvalKit's layout: a tab-separated file with base64 images.

    images: the folder of the files that `image_path` names; by default the TSV's own.
    placeholder: base64 cells of at most so many characters hold no image of the question.
    """

    kind: Literal["tsv"]
    images: str | None = None
    placeholder: int | None = None

    @model_validator(mode="after")
    def _one_image_column(self) -> TsvSource:
        if isinstance(self.fields.image, tuple):
            raise ValueError("a TSV has one image column, which may hold a list")
        return self


class JsonSource(_Published, _Parted):
    """The official repositories' layout: JSON or JSONL beside a folder of images.

    images: folder, relative to the data root, that image paths are relative to.
    questions: a JSON object index → question text, for repositories that keep them apart.
    """

    kind: Literal["json"]
    images: str
    questions: str | None = None

    @model_validator(mode="after")
    def _one_download(self) -> JsonSource:
        if (self.url and self.questions) or (self.parts and (self.url or self.hashes)):
            raise ValueError("a source of several files has neither url nor hashes")
        if self.questions and not self.fields.question:
            raise ValueError("texts by index need the name of a question column")
        return self


class HuggingFaceSource(_Parted):
    """A dataset of the Hugging Face hub, or a local copy of one under the data root."""

    kind: Literal["huggingface"]
    dataset: str
    config: str | None = None
    split: str
    revision: str | None = None


class GeneratedSource(_Source):
    """Rows that racro-eval makes itself, from a seed: no file, no network, any number of them."""

    kind: Literal["generated"]
    generator: Annotated[str, one_of(GENERATORS)]
    seed: int = Field(ge=0)
    count: int = Field(ge=1)
    fields: Fields = Fields(options="options")
    """The generator's columns are named as these are by default, and `skill`."""


StoredSource = TsvSource | JsonSource | HuggingFaceSource
Source = Annotated[StoredSource | GeneratedSource, Field(discriminator="kind")]


def require(columns: Iterable[str], needed: Iterable[str], where: str) -> None:
    """Raise DataError, naming what is there, if a column in `needed` is missing.

    Of a path such as `metadata.subject` the column before the dot is enough.
    """
    have = set(columns)
    for column in needed:
        if column not in have and column.partition(".")[0] not in have:
            raise DataError(
                f"{where} has no column {column!r}; its columns are: "
                f"{', '.join(sorted(have))[:500]}."
            )
