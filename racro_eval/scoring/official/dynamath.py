"""DynaMath: numbers within 0.001, option letters or the gold option's text, texts.

A text is right if it contains the gold one, as whole words: the published code takes any substring,
so that the gold A would be in every answer with an a.
Source: arXiv 2411.00836, section 4.1; `utils.py` of its repository.
"""

from __future__ import annotations

import re

from racro_eval.data.sample import Sample
from racro_eval.grading.comparison.choices import compare_choice
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.verdict import Comparison, Verdict
from racro_eval.scoring.official import compare_letters, decide, decided
from racro_eval.scoring.official.inline import inline_options


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response; the sample's rule is choice, text or float:tol=0.001."""
    return decide(response, finish_reason, lambda answer: compare_answer(answer, sample))


def compare_answer(answer: str, sample: Sample) -> Comparison:
    """Compare an extracted answer with the gold one, by the row's kind of answer."""
    if sample.rule == "choice":
        return _letter(answer, sample)
    if sample.rule == "text":
        return _text(answer, sample.answer)
    return compare(answer, sample.answer, sample.rule or "float:tol=0.001")


def _letter(answer: str, sample: Sample) -> Comparison:
    gold, options = sample.answer.strip(), inline_options(sample.question)
    if gold in options:
        return compare_choice(answer, gold, options, compare)
    return compare_letters(answer, [gold])


def _text(answer: str, gold: str) -> Comparison:
    outcome = compare(answer, gold)
    if outcome.equal:
        return outcome
    prediction, wanted = (text.lower() for text in (normalize(answer), normalize(gold)))
    whole = rf"(?<!\w){re.escape(wanted)}(?!\w)" if wanted else r"\Z\A."
    return decided(bool(re.search(whole, prediction)), "contains", prediction, wanted)
