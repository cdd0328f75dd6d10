"""MMMU and MMMU-Pro: a boxed answer counts; without one the published parser reads the response.

Multiple choice, by the published parser: "(B)", else the word " B ", else, in a response of more
than five words, the text of an option; of several, the last one. Where it draws a random option,
the verdict is `unparsed`. Open questions: the candidates are the texts after key phrases, and the
numbers in them, rounded to two decimals. The answer is correct if one candidate equals a gold
number or contains a gold text.

Source: arXiv 2311.16502 and 2409.02813; `mmmu/utils/eval_utils.py` and `mmmu-pro/evaluate.py` of
their repository.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from racro_eval.data.cells import parse_python_literal
from racro_eval.data.sample import Sample
from racro_eval.grading.comparison.choices import compare_choice
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.comparison.normalize import within_budget
from racro_eval.grading.extraction.extract import extract_all
from racro_eval.grading.extraction.scope import TAIL_CHARS, visible_text
from racro_eval.grading.grader import unanswered
from racro_eval.grading.verdict import Comparison, Status, Verdict, decided, verdict_of
from racro_eval.scoring.values import python_float

_STATED = ("boxed", "boxes", "answer-tag")
_EDGES = (",", ".", "!", "?", ";", ":", "'")
_PHRASES = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
_NO_ANSWER = (":", ",", ".", "!", "?", ";", "'")
# A limit of digits, so that a response of digits only does not take quadratic time.
_DIGITS = r"\d{1,100}"
_NUMBERS = (
    re.compile(r"-?\b\d{1,3}(?:,\d{3}){1,30}\b"),
    re.compile(rf"-?{_DIGITS}(?:\.{_DIGITS})?[eE][+-]?\d{{1,5}}"),
    re.compile(rf"-?(?:{_DIGITS}\.{_DIGITS}|\.{_DIGITS}|{_DIGITS}\b)(?![eE][+-]?\d)(?![,\d])"),
)


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    return _grade(response, sample, finish_reason, _STATED)


def grade_pro(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict by MMMU-Pro, which asks for a last line "Answer: B" and reads that first."""
    return _grade(response, sample, finish_reason, (*_STATED, "answer-line"))


def _grade(response: str, sample: Sample, finish_reason: str, stated: tuple[str, ...]) -> Verdict:
    extraction = next(iter(extract_all(response, finish_reason=finish_reason)), None)
    if extraction and extraction.method in stated:
        return verdict_of(extraction, compare_answer(extraction.text, sample))
    visible = visible_text(response)
    if not visible.text.strip() or visible.unfinished or finish_reason == "length":
        return unanswered(response, finish_reason)
    return _parsed(visible.text[-TAIL_CHARS:], sample) or unanswered(response, finish_reason)


def compare_answer(answer: str, sample: Sample) -> Comparison:
    """Compare a stated answer with the gold one; an open question may have several gold answers."""
    if sample.options:
        return compare_choice(answer, sample.answer, sample.options, compare)
    golds = gold_answers(sample.answer)
    if within_budget(answer) and open_is_correct(parse_open(answer), golds):
        return decided(True, "open", answer, ", ".join(golds))
    comparisons = [compare(answer, gold) for gold in golds]
    return next((comparison for comparison in comparisons if comparison.equal), comparisons[0])


def _parsed(text: str, sample: Sample) -> Verdict | None:
    """The verdict of the published parser; None if it would draw a random option."""
    if sample.options:
        letter = parse_choice(text, sample.options)
        correct = letter == sample.answer.strip()
        extracted, method = letter, "mmmu/choice-letter"
    else:
        candidates = parse_open(text)
        correct = open_is_correct(candidates, gold_answers(sample.answer))
        extracted, method = "; ".join(map(str, candidates)), "mmmu/open"
    if not extracted:
        return None
    status = Status.correct if correct else Status.incorrect
    return Verdict(status, extracted, method, correct, (extracted, sample.answer))


def parse_choice(text: str, options: Mapping[str, str]) -> str:
    """The letter that the published parser reads; "" if it draws one at random."""
    for edge in _EDGES:
        text = text.strip(edge)
    text = f" {text} "
    for spelling in ("({})", " {} "):
        positions = {letter: text.rfind(spelling.format(letter)) for letter in options}
        if letter := _last(positions):
            return letter
    if len(text.split()) <= 5:
        return ""
    lowered = text.lower()
    return _last({letter: lowered.rfind(option.lower()) for letter, option in options.items()})


def _last(positions: Mapping[str, int]) -> str:
    """The letter with the last position; of equals, the first one; "" if none has a position."""
    best = max(positions, key=positions.__getitem__, default="")
    return best if best and positions[best] >= 0 else ""


def gold_answers(answer: str) -> list[str]:
    """The gold answers; in a few rows the answer is the text of a list."""
    if answer.startswith("["):
        try:
            return [str(item) for item in parse_python_literal(answer)]
        except ValueError:
            pass
    return [answer]


Candidate = str | float


def parse_open(text: str) -> list[Candidate]:
    """The candidates of the published parser: lower-cased texts, and numbers to two decimals."""
    phrases = _key_phrases(text)
    numbers = [n for phrase in phrases for pattern in _NUMBERS for n in pattern.findall(phrase)]
    candidates = [item for phrase in (*phrases, *numbers) for item in _candidates(phrase)]
    return list(dict.fromkeys(candidates))


def _key_phrases(text: str) -> list[str]:
    """For each line the shortest text after a key phrase; if there are none, the whole text."""
    lines = text.strip().strip(".").lower().split("\n")
    phrases = []
    for number, line in enumerate(lines, start=1):
        markers = (*_PHRASES, "=") if number == len(lines) else _PHRASES
        tails = [line.rpartition(marker)[2].strip() for marker in markers if marker in line]
        shortest = min((tail for tail in tails if tail), key=len, default="")
        if shortest and shortest not in _NO_ANSWER:
            phrases.append(shortest)
    return phrases or ["\n".join(lines)]


def _candidates(text: str) -> list[Candidate]:
    """A number to two decimals, or the text in lower case; a single character only as a word."""
    text = text.strip()
    value = python_float(text.replace(",", ""))
    if value is not None:
        return [round(value, 2)]
    text = text.lower()
    return [f" {text}", f"{text} "] if len(text) == 1 else [text]


def open_is_correct(candidates: list[Candidate], golds: list[str]) -> bool:
    """Whether a candidate equals a gold number or contains a gold text."""
    gold_items = [item for gold in golds for item in _candidates(gold)]
    texts = [item for item in gold_items if isinstance(item, str)]
    return any(
        any(text in candidate for text in texts)
        if isinstance(candidate, str)
        else candidate in gold_items
        for candidate in candidates
    )
