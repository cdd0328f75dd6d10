"""From a row's question and options to the text T that every prompt is built from.

`vqa` and `mcq` are those of the paper's released evaluation code, which uses its own for all seven
benchmarks of the table. A benchmark's own prompt is its YAML's `native`; the paper's code uses it
where it has none of its own (MMMU-Pro, OlympiadBench).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from pydantic import Field, model_validator

from racro_eval.common.templates import check_names
from racro_eval.data.olympiadbench import instruction
from racro_eval.errors import DataError
from racro_eval.settings import Strict

SHORT_ANSWER = "Please try to answer the question with short words or phrases if possible."
"""The sentence S: kept for captions, removed for tentative answers and reasoners (METHOD)."""

_CHOICE_HINT = (
    "Hint: Please answer the question and provide the correct option letter, "
    "e.g., A, B, C, D, at the end."
)
_FREE_HINT = "Hint: Please answer the question and provide the final answer at the end."
_COMPOSED = re.compile(r"Hint: .*?\nQuestion: (?P<question>.*?)(?:\nChoices:\n.*)?", re.DOTALL)
_CJK = re.compile(r"[\u4e00-\u9fff]")
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Item:
    """What a question text is made of."""

    question: str
    options: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    hint: str = ""
    meta: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


def hint_choices(question: str, options: Mapping[str, str]) -> str:
    """Raw question and options in the layout of the MathVista and MathVision TSVs."""
    if not options:
        return f"{_FREE_HINT}\nQuestion: {question}"
    choices = "\n".join(f"({letter}) {text}" for letter, text in options.items())
    return f"{_CHOICE_HINT}\nQuestion: {question}\nChoices:\n{choices}"


def bare_question(composed: str) -> str:
    """The question in a text of that layout; other texts as they are."""
    match = _COMPOSED.fullmatch(composed)
    return match["question"] if match else composed


def vqa(item: Item) -> str:
    """MathVista, MathVerse, MathVision, DynaMath, LogicVista: the question, then S."""
    return f"{item.question}\n{SHORT_ANSWER}"


def mcq(item: Item) -> str:
    """WeMath, MMMU, MMStar: hint, question, an options block, and the request to select one."""
    text = f"Hint: {item.hint}\n" if item.hint else ""
    text += f"Question: {item.question}\n"
    if item.options:
        text += "Options:\n" + "".join(f"{letter}. {o}\n" for letter, o in item.options.items())
        text += (
            "请直接回答选项字母。"
            if _CJK.search(text)
            else "Please select the correct answer from the options above. \n"
        )
    return text.rstrip()


def plain(item: Item) -> str:
    """The question as it is."""
    return item.question


def mcq_or_plain(item: Item) -> str:
    """Demo: the layout of `mcq` for a row with options, the bare question for the others."""
    return mcq(item) if item.options else plain(item)


def olympiadbench(item: Item) -> str:
    """OlympiadBench's own prompt: the instruction; for physics the context; the question."""
    context = item.meta.get("context", "") if item.meta["subject"] == "physics" else ""
    return "\n".join(part for part in (instruction(item.meta), context, item.question) if part)


BUILDERS: dict[str, Callable[[Item], str]] = {
    "vqa": vqa,
    "mcq": mcq,
    "mcq_or_plain": mcq_or_plain,
    "plain": plain,
}
OWN = {"olympiadbench": olympiadbench}
"""Native prompts that are more than a template."""
COMPOSERS = {"hint_choices": hint_choices}


class Piece(Strict):
    """A part of a native prompt that differs from row to row."""

    by: str
    """The name of the meta column that decides."""
    texts: dict[str, str]
    """Its value → the text."""


class Native(Strict):
    """The prompt that a benchmark's own code uses, as templates with `{question}`, `{options}` and
    the names of the pieces; `{{` and `}}` are literal braces.

    without_options: the template of rows without options, if it is another. option: one option;
    joined by `between`, they are `{options}`. Options that are no more than their letters are in
    the picture and are not listed.
    """

    text: str
    without_options: str | None = None
    option: str = "({letter}) {text}"
    between: str = "\n"
    pieces: dict[str, Piece] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _templates_are_sound(self) -> Native:
        known = {"question", "options", *self.pieces}
        for template, names in (
            (self.text, known),
            (self.without_options or "", known),
            (self.option, {"letter", "text"}),
        ):
            check_names(template, names)
        return self

    def render(self, item: Item) -> str:
        """The text of a row. Raises DataError on a value that a piece does not know."""
        listed = {k: v for k, v in item.options.items() if v != k}
        options = self.between.join(
            self.option.format(letter=letter, text=text)
            for letter, text in (item.options if listed else {}).items()
        )
        template = self.text if item.options else self.without_options or self.text
        values = {name: self._piece(name, item) for name in self.pieces}
        return template.format_map({**values, "question": item.question, "options": options})

    def _piece(self, name: str, item: Item) -> str:
        piece = self.pieces[name]
        value = item.meta.get(piece.by, "")
        if value not in piece.texts:
            raise DataError(f"The native prompt has no text for {piece.by} {value!r}.")
        return piece.texts[value]


QuestionStyle = Literal["racro", "native"]
"""Whose question text: that of the paper's evaluation code, or the benchmark's own."""


def without_short_answer(text: str) -> str:
    """T with S removed; the newline before S stays, as in the released code."""
    return text.replace(SHORT_ANSWER, "")
