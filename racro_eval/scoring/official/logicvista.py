"""LogicVista: the set of letters A to I must be the gold set; the gold answer of one row is 3.

If the options are in the text of the question, the text of the gold option is correct too.

Source: arXiv 2407.04973, section 4; `evaluate.py` of its repository, whose GPT-3.5 only extracts.
"""

from __future__ import annotations

import re

from racro_eval.data.sample import Sample
from racro_eval.grading.comparison.choices import compare_choice
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.verdict import Comparison, Verdict
from racro_eval.scoring.official import compare_letters, decide
from racro_eval.scoring.official.inline import inline_options

_GOLD = re.compile(r"[A-I](?:,\s*[A-I])*")


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    return decide(response, finish_reason, lambda answer: compare_answer(answer, sample))


def compare_answer(answer: str, sample: Sample) -> Comparison:
    """Compare an extracted answer with the gold letters, or with the text of the gold option."""
    gold, options = sample.answer.strip(), inline_options(sample.question)
    if not _GOLD.fullmatch(gold):
        return compare(answer, gold)
    if gold in options:
        return compare_choice(answer, gold, options, compare)
    return compare_letters(answer, re.findall("[A-I]", gold))
