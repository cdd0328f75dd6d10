"""A sample of a benchmark: one row, with images that are opened when they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from racro_eval.data.images import Image

NO_ENTRIES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a benchmark.

    index: the row's unique key, as text.
    question: the question text that prompts are built from (see `questions.py`).
    images: in the order in which a model sees them, before the text; opened only when read.
    options: letter → text of a multiple-choice row, empty for a free-form row.
    answer: the gold answer as the benchmark states it (a letter for multiple choice).
    meta: the benchmark's breakdown columns, e.g. subject and level.
    rule: the answer rule of the row (see `grading/rules.py`); None means `choice` if there are
    options and `math` otherwise.
    scorer: the name of the benchmark's own grading (see `scoring/profiles.py`); None for the
    general grader.

    >>> from racro_eval import FileImage, Sample
    >>> sample = Sample("7", "How many dots?", images=(FileImage("dots.png"),), answer="3")
    >>> sample.images[0].name
    'dots.png'
    """

    index: str
    question: str
    images: tuple[Image, ...] = ()
    options: Mapping[str, str] = field(default_factory=lambda: NO_ENTRIES)
    answer: str = ""
    meta: Mapping[str, str] = field(default_factory=lambda: NO_ENTRIES)
    rule: str | None = None
    scorer: str | None = None
