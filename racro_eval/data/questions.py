"""From a row's question and options to the text T that every prompt is built from.

`vqa` and `mcq` are those of the paper's released evaluation code, which uses its own for all seven
benchmarks of the table instead of each benchmark's native prompt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SHORT_ANSWER = "Please try to answer the question with short words or phrases if possible."
"""The sentence S: kept for captions, removed for tentative answers and reasoners (METHOD)."""

_CHOICE_HINT = (
    "Hint: Please answer the question and provide the correct option letter, "
    "e.g., A, B, C, D, at the end."
)
_FREE_HINT = "Hint: Please answer the question and provide the final answer at the end."
_CJK = re.compile(r"[\u4e00-\u9fff]")


def hint_choices(question: str, options: Mapping[str, str]) -> str:
    """Raw question and options in the layout of the MathVista and MathVision TSVs."""
    if not options:
        return f"{_FREE_HINT}\nQuestion: {question}"
    choices = "\n".join(f"({letter}) {text}" for letter, text in options.items())
    return f"{_CHOICE_HINT}\nQuestion: {question}\nChoices:\n{choices}"


def vqa(question: str, options: Mapping[str, str], hint: str = "") -> str:
    """MathVista, MathVerse, MathVision, DynaMath, LogicVista: the question, then S."""
    return f"{question}\n{SHORT_ANSWER}"


def mcq(question: str, options: Mapping[str, str], hint: str = "") -> str:
    """WeMath, MMMU, MMStar: question, an options block, and the request to select one."""
    text = f"Hint: {hint}\n" if hint else ""
    text += f"Question: {question}\n"
    if options:
        text += "Options:\n" + "".join(f"{letter}. {o}\n" for letter, o in options.items())
        text += (
            "请直接回答选项字母。"
            if _CJK.search(text)
            else "Please select the correct answer from the options above. \n"
        )
    return text.rstrip()


def plain(question: str, options: Mapping[str, str], hint: str = "") -> str:
    """The question as it is."""
    return question


def mcq_or_plain(question: str, options: Mapping[str, str], hint: str = "") -> str:
    """Demo: the layout of `mcq` for a row with options, the bare question for the others."""
    return mcq(question, options, hint) if options else plain(question, options)


BUILDERS = {"vqa": vqa, "mcq": mcq, "mcq_or_plain": mcq_or_plain, "plain": plain}
COMPOSERS = {"hint_choices": hint_choices}


def without_short_answer(text: str) -> str:
    """T with S removed; the newline before S stays, as in the released code."""
    return text.replace(SHORT_ANSWER, "")
