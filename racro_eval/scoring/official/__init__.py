"""Verdicts by each benchmark's own published rule, without a judge.

A module is a benchmark's rule: its function `grade(response, sample, *, finish_reason)`. The answer
is found as the grader finds it (the text after the thought, the last box, an announced answer);
what is the benchmark's own is how the answer found is compared. Where the published code draws a
random option, the verdict is `unparsed`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from racro_eval.grading.comparison.choices import letter_and_text, letters_of
from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.extraction.extract import extract_all
from racro_eval.grading.grader import unanswered
from racro_eval.grading.verdict import Comparison, Extraction, Status, Verdict, verdict_of

CompareAnswer = Callable[[str], Comparison]

_LOWER = re.compile(r"(?<![A-Za-z])[a-j](?![A-Za-z])")


def decide(
    response: str,
    finish_reason: str,
    compare: CompareAnswer,
    otherwise: Callable[[str], Extraction | None] = lambda response: None,
    *,
    plural: bool = True,
) -> Verdict:
    """Find the answer of a response and compare it.

    otherwise: finds an answer where the grader's extraction finds none. plural: whether several
    boxes of one sentence are compared as a list too, which only a plural gold answer equals.
    """
    if not response.strip():
        return unanswered(response, finish_reason)
    found = extract_all(response, finish_reason=finish_reason)
    if not found:
        other = otherwise(response)
        if other is None:
            return unanswered(response, finish_reason)
        found = [other]
    found = found if plural else found[:1]
    verdicts = (verdict_of(answer, compare(answer.text)) for answer in found)
    first = next(verdicts)
    return first if first.correct else next((v for v in verdicts if v.correct), first)


def compare_letters(answer: str, gold: Collection[str]) -> Comparison:
    """Compare the letters that an answer names with the gold ones, as sets.

    For rows whose options are only in the picture: an answer that names no letter may still be the
    text of the right one, so that it is `unparsed`, not wrong. An answer that is nothing but
    letters names them in lower case too (`b, d`), as LogicVista's published code compares capitals.
    """
    text, shown = normalize(answer), ", ".join(sorted(gold))
    capitals = _LOWER.sub(lambda letter: letter[0].upper(), text)
    letters, split = letters_of(capitals), letter_and_text(text)
    if letters is None and split is not None:
        letters = frozenset(split[0])
    if letters is None:
        return Comparison(Status.unparsed, "options-unknown", (text, shown))
    return decided(letters == frozenset(gold), "choice-letter", text, shown)


def decided(equal: bool, method: str, prediction: str, answer: str) -> Comparison:
    """A comparison that a rule has decided, with what it compared."""
    return Comparison(Status.correct if equal else Status.incorrect, method, (prediction, answer))
