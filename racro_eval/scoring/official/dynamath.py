"""DynaMath: numbers within 0.001, option letters or the gold option's text, and texts.

A text is correct if it contains the gold text as whole words. The published code accepts any
substring, so that every answer with an "a" would be correct if the gold answer is A.

Source: arXiv 2411.00836, section 4.1; `utils.py` of its repository.
"""

from __future__ import annotations

import re

from racro_eval.data.sample import Sample
from racro_eval.grading.comparison.choices import compare_choice
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.verdict import Comparison, Verdict, decided
from racro_eval.scoring.official import compare_letters, decide
from racro_eval.scoring.official.inline import inline_options


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response; the sample's rule is choice, text or float:tol=0.001."""
    return decide(response, finish_reason, lambda answer: compare_answer(answer, sample))


def compare_answer(answer: str, sample: Sample) -> Comparison:
    """Compare an extracted answer with the gold one, by the row's answer rule."""
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
    comparison = compare(answer, gold)
    if comparison.equal:
        return comparison
    prediction, gold_form = (text.lower() for text in (normalize(answer), normalize(gold)))
    whole_words = rf"(?<!\w){re.escape(gold_form)}(?!\w)" if gold_form else r"\Z\A."
    return decided(bool(re.search(whole_words, prediction)), "contains", prediction, gold_form)
