"""DynaMath: numbers within 0.001, option letters A to F, texts that contain the gold one.

"Contains" means whole words here: the published code takes any substring, so that the gold A would
be in every answer with an a.
Source: arXiv 2411.00836, section 4.1; `utils.py` of its repository.
"""

from __future__ import annotations

import re

from racro_eval.data.sample import Sample
from racro_eval.grading.choices import letter_and_text, letters_of
from racro_eval.grading.equivalence import compare
from racro_eval.grading.normalize import normalize
from racro_eval.grading.verdict import Comparison, Verdict
from racro_eval.scoring.official import decide, decided

LETTERS = frozenset("ABCDEF")


def judge(response: str, sample: Sample, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response; the sample's rule is choice, text or float:tol=0.001."""
    return decide(response, finish_reason, lambda answer: compare_answer(answer, sample))


def compare_answer(answer: str, sample: Sample) -> Comparison:
    """Compare an extracted answer with the gold one, by the row's kind of answer."""
    if sample.rule == "choice":
        return _letter(answer, sample.answer)
    if sample.rule == "text":
        return _text(answer, sample.answer)
    return compare(answer, sample.answer, sample.rule or "float:tol=0.001")


def _letter(answer: str, gold: str) -> Comparison:
    text = normalize(answer)
    letters = letters_of(text)
    split = letter_and_text(text)
    if letters is None and split is not None:
        letters = frozenset(split[0])
    right = letters is not None and letters <= LETTERS and letters == {gold.strip()}
    return decided(right, "choice-letter", text, gold)


def _text(answer: str, gold: str) -> Comparison:
    outcome = compare(answer, gold)
    if outcome.equal:
        return outcome
    prediction, wanted = (text.lower() for text in (normalize(answer), normalize(gold)))
    whole = rf"(?<!\w){re.escape(wanted)}(?!\w)" if wanted else r"\Z\A."
    return decided(bool(re.search(whole, prediction)), "contains", prediction, wanted)
