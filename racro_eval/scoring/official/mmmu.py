"""MMMU and MMMU-Pro: a boxed answer counts; without one the published parser reads the response.

Multiple choice, the published parser: "(B)", else " B " as a word, else, in a response of more than
five words, an option's text; of several the last. Where it draws a random option the verdict is
`unparsed`. Open: the candidates are what follows key phrases, and the numbers in it, rounded to two
decimals; one that equals a gold number, or contains a gold text, is enough.
Source: arXiv 2311.16502 and 2409.02813; `mmmu/utils/eval_utils.py` and `mmmu-pro/evaluate.py` of
their repository.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from racro_eval.data.sample import Sample
from racro_eval.grading.comparison.choices import compare_choice
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.comparison.normalize import within_budget
from racro_eval.grading.extraction.extract import TAIL, extract_all
from racro_eval.grading.extraction.scope import visible_text
from racro_eval.grading.grader import unanswered
from racro_eval.grading.verdict import Comparison, Status, Verdict, verdict_of
from racro_eval.scoring.official import decided
from racro_eval.scoring.official.values import plain_float

_STATED = ("boxed", "boxes", "answer-tag")
_EDGES = (",", ".", "!", "?", ";", ":", "'")
_PHRASES = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
_NO_ANSWER = (":", ",", ".", "!", "?", ";", "'")
# At most so many digits, so that a response of nothing but digits costs no quadratic time.
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
    found = extract_all(response, finish_reason=finish_reason)
    if found and found[0].rule in stated:
        return verdict_of(found[0], compare_answer(found[0].text, sample))
    visible = visible_text(response)
    if not visible.text.strip() or visible.unfinished or finish_reason == "length":
        return unanswered(response, finish_reason)
    return _parsed(visible.text[-TAIL:], sample) or unanswered(response, finish_reason)


def compare_answer(answer: str, sample: Sample) -> Comparison:
    """Compare a stated answer with the gold one; an open row has several gold spellings."""
    if sample.options:
        return compare_choice(answer, sample.answer, sample.options, compare)
    golds = gold_answers(sample.answer)
    if within_budget(answer) and open_is_correct(parse_open(answer), golds):
        return decided(True, "open", answer, ", ".join(golds))
    outcomes = [compare(answer, gold) for gold in golds]
    return next((outcome for outcome in outcomes if outcome.equal), outcomes[0])


def _parsed(text: str, sample: Sample) -> Verdict | None:
    """The verdict of the published parser; None where it would guess."""
    if sample.options:
        letter = parse_choice(text, sample.options)
        correct = letter == sample.answer.strip()
        forms = (letter, sample.answer)
        shown, method = letter, "mmmu/choice-letter"
    else:
        candidates = parse_open(text)
        correct = open_is_correct(candidates, gold_answers(sample.answer))
        shown, method = _shown(candidates), "mmmu/open"
        forms = (shown, sample.answer)
    if not shown:
        return None
    return Verdict(Status.correct if correct else Status.incorrect, shown, method, correct, forms)


def parse_choice(text: str, options: Mapping[str, str]) -> str:
    """The letter that the published parser reads; "" where it draws one at random."""
    for edge in _EDGES:
        text = text.strip(edge)
    text = f" {text} "
    for spelling in ("({})", " {} "):
        places = {letter: text.rfind(spelling.format(letter)) for letter in options}
        if found := _last(places):
            return found
    if len(text.split()) <= 5:
        return ""
    lowered = text.lower()
    return _last({letter: lowered.rfind(option.lower()) for letter, option in options.items()})


def _last(places: Mapping[str, int]) -> str:
    """The name with the greatest place, the first of equals; "" if none was found."""
    best = max(places, key=places.__getitem__, default="")
    return best if best and places[best] >= 0 else ""


def gold_answers(answer: str) -> list[str]:
    """The gold spellings; a few rows hold the text of a list of them."""
    if answer.startswith("["):
        try:
            return [str(item) for item in ast.literal_eval(answer)]
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            pass
    return [answer]


Candidate = str | float


def parse_open(text: str) -> list[Candidate]:
    """The candidates of the published parser: lower-cased texts, and numbers to two decimals."""
    phrases = _key_phrases(text)
    numbers = [n for phrase in phrases for pattern in _NUMBERS for n in pattern.findall(phrase)]
    found = [item for phrase in (*phrases, *numbers) for item in _normal(phrase)]
    return list(dict.fromkeys(found))


def _key_phrases(text: str) -> list[str]:
    """Per line what follows the last key phrase, the shortest of them; else all of the text."""
    lines = text.strip().strip(".").lower().split("\n")
    phrases = []
    for number, line in enumerate(lines, start=1):
        markers = (*_PHRASES, "=") if number == len(lines) else _PHRASES
        tails = [line.rpartition(marker)[2].strip() for marker in markers if marker in line]
        shortest = min((tail for tail in tails if tail), key=len, default="")
        if shortest and shortest not in _NO_ANSWER:
            phrases.append(shortest)
    return phrases or ["\n".join(lines)]


def _normal(text: str) -> list[Candidate]:
    """A number to two decimals, or lower-case text; a single character as a word of its own."""
    text = text.strip()
    value = plain_float(text.replace(",", ""))
    if value is not None:
        return [round(value, 2)]
    text = text.lower()
    return [f" {text}", f"{text} "] if len(text) == 1 else [text]


def open_is_correct(candidates: list[Candidate], golds: list[str]) -> bool:
    """Whether a candidate equals a gold number or contains a gold text."""
    wanted = [item for gold in golds for item in _normal(gold)]
    texts = [item for item in wanted if isinstance(item, str)]
    return any(
        any(text in candidate for text in texts)
        if isinstance(candidate, str)
        else candidate in wanted
        for candidate in candidates
    )


def _shown(candidates: list[Candidate]) -> str:
    return "; ".join(str(candidate) for candidate in candidates)
