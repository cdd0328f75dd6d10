"""MathVista: the answer is normalised to the kind of answer of its row, and compared as text.

Multiple choice: the letter, the choice's text, else the choice nearest to the answer by Levenshtein
distance. LaTeX, which the published extractor never gives, is first compared as mathematics, and a
choice with a reason behind it ("no, because") is that choice. Integer: truncated, as the published
code does. Float: rounded to the row's precision. List: its items. Where the published code gives up
(a fraction, a unit), the grader's comparison goes on.
Source: arXiv 2310.02255; `evaluation/calculate_score.py` of its repository.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from racro_eval.data.sample import Sample
from racro_eval.grading.comparison.choices import letters_of
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.extraction.scope import visible_text
from racro_eval.grading.rules import parse_rule
from racro_eval.grading.verdict import Comparison, Extraction, Verdict
from racro_eval.scoring.official import decide, decided
from racro_eval.scoring.official.values import plain_float

_LETTER = re.compile(r"\(([a-zA-Z])\)")
_MAX_DISTANCE_TEXT = 2000


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response; the sample's rule is integer, float:PRECISION or list."""

    def whole(text: str) -> Extraction | None:
        bare = visible_text(text).text.strip()
        return Extraction(bare, "bare") if bare in sample.options.values() else None

    def compare_one(answer: str) -> Comparison:
        return compare_answer(answer, sample)

    # Every text has a nearest choice: two boxes must not be a second try at it.
    return decide(response, finish_reason, compare_one, whole, plural=not sample.options)


def compare_answer(answer: str, sample: Sample) -> Comparison:
    """Compare an extracted answer with the gold one, by the row's kind of answer."""
    if sample.options:
        return _choice(answer.strip(), sample)
    rule = parse_rule(sample.rule or "math")
    if rule.kind == "integer":
        return _integer(answer, sample.answer)
    if rule.places is not None:
        return _float(answer, sample.answer, rule.places)
    return compare(answer, sample.answer, sample.rule or "math")


def _choice(answer: str, sample: Sample) -> Comparison:
    options = sample.options
    gold = options.get(sample.answer, sample.answer)
    letter = _letter(answer, options)
    method = "choice-letter"
    if letter == "":
        # Of "f(x) is unknown" the published code keeps the bracketed x alone.
        kept = _LETTER.search(answer)
        letter = nearest_choice(kept[1].upper() if kept else answer, options)
        method = "choice-nearest"
    if letter is None:
        return decided(False, method, answer, gold)
    return decided(options[letter] == gold, method, options[letter], gold)


def _letter(answer: str, options: Mapping[str, str]) -> str | None:
    """The letter that an answer names; "" if it names none, None if it names several."""
    bracketed = _LETTER.findall(answer)
    if bracketed and bracketed[0].upper() in options:
        return str(bracketed[0].upper())
    if answer in options:
        return answer
    if answer in options.values():
        return next(letter for letter, text in options.items() if text == answer)
    letters = letters_of(normalize(answer))
    if letters is not None and letters <= set(options):
        return next(iter(letters)) if len(letters) == 1 else None
    if bracketed:
        return ""
    if "\\" in answer:
        equal = [letter for letter, text in options.items() if compare(answer, text).equal]
    else:
        equal = [letter for letter, text in options.items() if _opens_with(answer, text)]
    return equal[0] if len(equal) == 1 else ""


def _opens_with(answer: str, text: str) -> bool:
    """Whether an answer is a choice with a reason behind it: "no, there are fewer"."""
    start, rest = answer[: len(text)], answer[len(text) : len(text) + 1]
    return bool(text) and start.lower() == text.lower() and rest in (",", ".", ";", ":")


def nearest_choice(answer: str, options: Mapping[str, str]) -> str:
    """The letter of the choice with the smallest Levenshtein distance; the first of several."""
    from rapidfuzz.distance import Levenshtein

    start = answer[:_MAX_DISTANCE_TEXT]
    return min(options, key=lambda letter: Levenshtein.distance(start, options[letter]))


def _integer(answer: str, gold: str) -> Comparison:
    value = plain_float(answer)
    if value is not None:
        return decided(str(int(value)) == gold.strip(), "integer", str(int(value)), gold)
    return compare(answer, gold, "integer")


def _float(answer: str, gold: str, places: int) -> Comparison:
    value = plain_float(answer)
    if value is not None:
        shown = str(round(value, places))
        return decided(shown == gold.strip(), "float", shown, gold)
    return compare(answer, gold, f"float:{places}")
