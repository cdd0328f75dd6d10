"""What a benchmark is made of: samples with lazily opened images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from racro_eval.data.images import Image

_EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a benchmark.

    index: the row's unique key, as text.
    question: the text T that the prompts are built from (see `questions.py`).
    images: in the order in which they are shown, before the text; opened only when read.
    options: letter → text of a multiple-choice row, empty for a free-form row.
    answer: the gold answer as the benchmark gives it (a letter for multiple choice).
    meta: the benchmark's breakdown columns, e.g. subject and level.
    rule: the answer rule of the row (see `grading/rules.py`); None for choice when there are
    options and maths otherwise.
    scorer: the benchmark's own rule (see `scoring/profiles.py`); None for the grader's.

    >>> from racro_eval import FileImage, Sample
    >>> sample = Sample("7", "How many dots?", images=(FileImage("dots.png"),), answer="3")
    >>> sample.images[0].name
    'dots.png'
    """

    index: str
    question: str
    images: tuple[Image, ...] = ()
    options: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    answer: str = ""
    meta: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    rule: str | None = None
    scorer: str | None = None
