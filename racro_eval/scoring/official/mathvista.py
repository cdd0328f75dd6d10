"""MathVista: the answer is converted to the row's type of answer, and compared as text.

Multiple choice: the letter, the choice's text, else the choice with the smallest Levenshtein
distance to the answer. LaTeX, which the published extractor never returns, is first compared as
mathematics, and a choice with a reason after it ("no, because") is that choice. Integer: truncated,
as in the published code. Float: rounded to the row's precision. List: item by item. If the
published code cannot convert the answer (a fraction, a unit), the grader's comparison decides.

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
from racro_eval.grading.verdict import Comparison, Extraction, Verdict, decided
from racro_eval.scoring.official import decide
from racro_eval.scoring.values import python_float

_LETTER = re.compile(r"\(([a-zA-Z])\)")
_MAX_DISTANCE_TEXT = 2000


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response; the sample's rule is integer, float:PRECISION or list."""

    def option_text(text: str) -> Extraction | None:
        bare = visible_text(text).text.strip()
        return Extraction(bare, "bare") if bare in sample.options.values() else None

    def compare_extracted(answer: str) -> Comparison:
        return compare_answer(answer, sample)

    # Every text has a nearest choice: several boxes as a list would be a second attempt.
    plural = not sample.options
    return decide(response, finish_reason, compare_extracted, option_text, plural=plural)


def compare_answer(answer: str, sample: Sample) -> Comparison:
    """Compare an extracted answer with the gold one, by the row's answer rule."""
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
        # From "f(x) is unknown" the published code keeps only the x in brackets.
        in_brackets = _LETTER.search(answer)
        letter = nearest_choice(in_brackets[1].upper() if in_brackets else answer, options)
        method = "choice-nearest"
    if letter is None:
        return decided(False, method, answer, gold)
    return decided(options[letter] == gold, method, options[letter], gold)


def _letter(answer: str, options: Mapping[str, str]) -> str | None:
    """The letter of the choice in an answer; "" if there is none, None if there are several."""
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
    """Whether an answer is a choice with a reason after it: "no, there are fewer"."""
    start, rest = answer[: len(text)], answer[len(text) : len(text) + 1]
    return bool(text) and start.lower() == text.lower() and rest in (",", ".", ";", ":")


def nearest_choice(answer: str, options: Mapping[str, str]) -> str:
    """The letter of the choice with the smallest Levenshtein distance; of equals, the first one."""
    from rapidfuzz.distance import Levenshtein

    start = answer[:_MAX_DISTANCE_TEXT]
    return min(options, key=lambda letter: Levenshtein.distance(start, options[letter]))


def _integer(answer: str, gold: str) -> Comparison:
    value = python_float(answer)
    if value is not None:
        return decided(str(int(value)) == gold.strip(), "integer", str(int(value)), gold)
    return compare(answer, gold, "integer")


def _float(answer: str, gold: str, places: int) -> Comparison:
    value = python_float(answer)
    if value is not None:
        rounded = str(round(value, places))
        return decided(rounded == gold.strip(), "float", rounded, gold)
    return compare(answer, gold, f"float:{places}")
