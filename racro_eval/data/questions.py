"""From a row's question and options to the question text that every prompt is built from.

`vqa` and `mcq` are the layouts of the paper's released evaluation code, which uses them for all
seven benchmarks of its table. A benchmark's own prompt is the setting `native` of its YAML; the
paper's code uses it for benchmarks without a layout of its own (MMMU-Pro, OlympiadBench).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field, model_validator

from racro_eval.common.templates import check_names
from racro_eval.data.olympiadbench import instruction
from racro_eval.data.sample import NO_ENTRIES
from racro_eval.errors import DataError
from racro_eval.settings import Strict

SHORT_ANSWER = "Please try to answer the question with short words or phrases if possible."
"""The sentence that asks for a short answer. It is kept in the prompt for captions and removed from
those for tentative answers and for reasoners."""

_CHOICE_HINT = (
    "Hint: Please answer the question and provide the correct option letter, "
    "e.g., A, B, C, D, at the end."
)
_FREE_HINT = "Hint: Please answer the question and provide the final answer at the end."
_COMPOSED = re.compile(r"Hint: .*?\nQuestion: (?P<question>.*?)(?:\nChoices:\n.*)?", re.DOTALL)
_CJK = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class QuestionParts:
    """The parts of a row that a question text is built from."""

    question: str
    options: Mapping[str, str] = field(default_factory=lambda: NO_ENTRIES)
    hint: str = ""
    meta: Mapping[str, str] = field(default_factory=lambda: NO_ENTRIES)


def hint_choices(question: str, options: Mapping[str, str]) -> str:
    """The raw question and options in the layout of the MathVista and MathVision TSVs."""
    if not options:
        return f"{_FREE_HINT}\nQuestion: {question}"
    choices = "\n".join(f"({letter}) {text}" for letter, text in options.items())
    return f"{_CHOICE_HINT}\nQuestion: {question}\nChoices:\n{choices}"


def bare_question(composed: str) -> str:
    """The raw question in a text of the layout of `hint_choices`; other texts unchanged."""
    match = _COMPOSED.fullmatch(composed)
    return match["question"] if match else composed


def vqa(parts: QuestionParts) -> str:
    """MathVista, MathVerse, MathVision, DynaMath, LogicVista: the question, then SHORT_ANSWER."""
    return f"{parts.question}\n{SHORT_ANSWER}"


def mcq(parts: QuestionParts) -> str:
    """WeMath, MMMU, MMStar: hint, question, list of options, and the request to select one."""
    text = f"Hint: {parts.hint}\n" if parts.hint else ""
    text += f"Question: {parts.question}\n"
    if parts.options:
        text += "Options:\n" + "".join(
            f"{letter}. {option}\n" for letter, option in parts.options.items()
        )
        text += (
            "请直接回答选项字母。"
            if _CJK.search(text)
            else "Please select the correct answer from the options above. \n"
        )
    return text.rstrip()


def plain(parts: QuestionParts) -> str:
    """The question alone."""
    return parts.question


def mcq_or_plain(parts: QuestionParts) -> str:
    """Demo: the layout of `mcq` for a row with options, the bare question for the others."""
    return mcq(parts) if parts.options else plain(parts)


def olympiadbench(parts: QuestionParts) -> str:
    """OlympiadBench's own prompt: the instruction; for physics the context; the question."""
    context = parts.meta.get("context", "") if parts.meta["subject"] == "physics" else ""
    return "\n".join(text for text in (instruction(parts.meta), context, parts.question) if text)


BUILDERS: dict[str, Callable[[QuestionParts], str]] = {
    "vqa": vqa,
    "mcq": mcq,
    "mcq_or_plain": mcq_or_plain,
    "plain": plain,
}
NATIVE_BUILDERS = {"olympiadbench": olympiadbench}
"""Native prompts that need more than a template."""
COMPOSERS = {"hint_choices": hint_choices}


class Piece(Strict):
    """A text in a native prompt that depends on the row."""

    by: str
    """The meta column that selects the text."""
    texts: dict[str, str]
    """Value of that column → text."""


class Native(Strict):
    """The prompt that a benchmark's own code uses, as a template with `{question}`, `{options}` and
    the names of the pieces; `{{` and `}}` are literal braces.

    without_options: the template for rows without options, if it differs. option: the template of
    one option; joined by `between`, they are `{options}`. Options that consist of their letters
    only are part of the picture and are not listed.
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

    def render(self, parts: QuestionParts) -> str:
        """The question text of a row. Raises DataError on a value that a piece has no text for."""
        listed = {k: v for k, v in parts.options.items() if v != k}
        options = self.between.join(
            self.option.format(letter=letter, text=text)
            for letter, text in (parts.options if listed else {}).items()
        )
        template = self.text if parts.options else self.without_options or self.text
        values = {name: self._piece(name, parts) for name in self.pieces}
        return template.format_map({**values, "question": parts.question, "options": options})

    def _piece(self, name: str, parts: QuestionParts) -> str:
        piece = self.pieces[name]
        value = parts.meta.get(piece.by, "")
        if value not in piece.texts:
            raise DataError(f"The native prompt has no text for {piece.by} {value!r}.")
        return piece.texts[value]


QuestionStyle = Literal["racro", "native"]
"""Which question text: that of the paper's evaluation code, or the benchmark's own."""


def without_short_answer(text: str) -> str:
    """The text without SHORT_ANSWER; as in the released code, the newline before it stays."""
    return text.replace(SHORT_ANSWER, "")
