"""Scorers of the profile `official`: each benchmark's own published rule, without a judge.

Each module is the scorer of a benchmark: its function `grade(response, sample, *, finish_reason)`
returns a verdict. The answer is extracted as by the general grader (the text after the thought, the
last box, an announced answer); the comparison is the benchmark's own. If the published code draws a
random option, the verdict is `unparsed`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from racro_eval.grading.comparison.choices import letter_and_text, letters_of
from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.extraction.extract import extract_all
from racro_eval.grading.grader import unanswered
from racro_eval.grading.verdict import (
    Comparison,
    Extraction,
    Status,
    Verdict,
    decided,
    verdict_of,
)

CompareAnswer = Callable[[str], Comparison]

_LOWER = re.compile(r"(?<![A-Za-z])[a-j](?![A-Za-z])")


def decide(
    response: str,
    finish_reason: str,
    compare: CompareAnswer,
    fallback: Callable[[str], Extraction | None] = lambda response: None,
    *,
    plural: bool = True,
) -> Verdict:
    """The verdict on a response: its extracted answer, compared by `compare`.

    fallback: extracts an answer if the grader's extraction finds none. plural: whether several
    boxes of one sentence are also compared as one list, which only a gold answer with several items
    equals.
    """
    if not response.strip():
        return unanswered(response, finish_reason)
    extractions = extract_all(response, finish_reason=finish_reason)
    if not extractions:
        extraction = fallback(response)
        if extraction is None:
            return unanswered(response, finish_reason)
        extractions = [extraction]
    extractions = extractions if plural else extractions[:1]
    verdicts = (verdict_of(each, compare(each.text)) for each in extractions)
    first = next(verdicts)
    return first if first.correct else next((v for v in verdicts if v.correct), first)


def compare_letters(answer: str, gold: Collection[str]) -> Comparison:
    """Compare the set of letters in an answer with the set of gold letters.

    For rows whose options are only in the picture: an answer without a letter may be the text of
    the right option, so that it is `unparsed` and not incorrect. If an answer consists of letters,
    they may be in lower case (`b, d`), because LogicVista's published code compares capitals.
    """
    text, gold_form = normalize(answer), ", ".join(sorted(gold))
    capitals = _LOWER.sub(lambda letter: letter[0].upper(), text)
    letters, split = letters_of(capitals), letter_and_text(text)
    if letters is None and split is not None:
        letters = frozenset(split[0])
    if letters is None:
        return Comparison(Status.unparsed, "options-unknown", (text, gold_form))
    return decided(letters == frozenset(gold), "choice-letter", text, gold_form)
