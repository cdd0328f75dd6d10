"""Responses that name an option by its text alone, such as "cannot be determined"."""

from __future__ import annotations

import re
from collections.abc import Mapping

from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.extraction.conclusions import closing_sentence
from racro_eval.grading.extraction.refusals import (
    is_option_line,
    lists_options,
    without_boilerplate,
)
from racro_eval.grading.verdict import Extraction

MAX_WHOLE = 300
_LABEL = re.compile(r"^\W*(?:final )?answer\W*[:：]\s*", re.IGNORECASE)
_LETTER = re.compile(r"(?<![A-Za-z])([B-J])(?![A-Za-z])|(?<![A-Za-z])(A)(?=[).:])")
_OPEN = re.compile(
    r"\b(?:not|neither|nor|or|may|might|could|maybe|perhaps|if)\b|n't\b|[?？]|不|或|可能",
    re.IGNORECASE,
)


def named_option(text: str, options: Mapping[str, str]) -> Extraction | None:
    """The option that `text` consists of, or the only one whose words are in its last sentence."""
    whole = _LABEL.sub("", text.strip())
    if not whole:
        return None
    if len(whole) <= MAX_WHOLE:
        bare = normalize(whole).lower()
        for letter, option in options.items():
            spellings = (option, f"{letter}. {option}", f"({letter}) {option}")
            if bare in {normalize(spelling).lower() for spelling in spellings}:
                return Extraction(whole, "bare")
    tail = text[-2 * MAX_WHOLE :]
    closing = closing_sentence(without_boilerplate(tail))
    last_line = text.rstrip().rpartition("\n")[2]
    if is_option_line(last_line) and lists_options(tail):
        return None  # the response repeats the options
    named = [letter for letter, option in options.items() if _names(closing, option)]
    if len(named) != 1:
        return None
    option = options[named[0]]
    if re.match(rf"\W*{re.escape(option)}\W*[:：]", closing):
        return None  # the option is discussed, not chosen
    rest = closing.replace(option, "")
    other_letters = {"".join(groups) for groups in _LETTER.findall(rest)} - {named[0]}
    return None if other_letters or _OPEN.search(rest) else Extraction(option, "conclusion")


def _names(sentence: str, option: str) -> bool:
    """Whether a sentence has the words of an option; letters and numbers alone do not count."""
    words = re.search(r"[A-Za-z]{4}|[\u4e00-\u9fff]{2}", option)
    return bool(words and re.search(rf"(?<!\w){re.escape(option.strip())}(?!\w)", sentence, re.I))
