"""MathVerse: option letters as sets, an option's text, else equivalent mathematics.

The published evaluation asks GPT-4 twice; this is the rule that its prompts state. Gold letters are
written "C", "(C)" or "C\\nD"; options, if they are text, are part of the question. Numbers may have
a relative difference of 1e-3.

Source: arXiv 2403.14624, section 3.3 and its prompts.
"""

from __future__ import annotations

import re
from fractions import Fraction

from racro_eval.data.sample import Sample
from racro_eval.grading.comparison.choices import compare_choice
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.verdict import Comparison, Verdict, decided
from racro_eval.scoring.official import compare_letters, decide
from racro_eval.scoring.official.inline import inline_options
from racro_eval.scoring.values import numeric_value

TOLERANCE = Fraction(1, 1000)
_SEVERAL = re.compile(r"\(?[A-H]\)?(?:[\s,;]+\(?[A-H]\)?)*")


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    return decide(response, finish_reason, lambda answer: compare_answer(answer, sample))


def compare_answer(answer: str, sample: Sample) -> Comparison:
    """Compare an extracted answer with the gold one."""
    gold = sample.answer.strip()
    if _SEVERAL.fullmatch(gold):
        return _letters(answer, frozenset(re.findall("[A-H]", gold)), sample)
    comparison = compare(answer, gold)
    if comparison.equal:
        return comparison
    value, expected = numeric_value(answer), numeric_value(gold)
    if value is not None and expected is not None:
        near = abs(value - expected) <= TOLERANCE * abs(expected)
        return decided(near, "relative", *comparison.normal_forms)
    return comparison


def _letters(answer: str, gold: frozenset[str], sample: Sample) -> Comparison:
    options = dict(sample.options) or inline_options(sample.question)
    if len(gold) == 1 and gold <= set(options):
        return compare_choice(answer, next(iter(gold)), options, compare)
    return compare_letters(answer, gold)
