"""We-Math: the option letter; in the benchmark's own answer format what follows the last "Answer".

Source: arXiv 2407.01284; `four_dimensional_metrics.py` of its repository.
"""

from __future__ import annotations

import re

from racro_eval.data.sample import Sample
from racro_eval.grading.choices import compare_choice
from racro_eval.grading.equivalence import compare
from racro_eval.grading.extraction import visible_text
from racro_eval.grading.verdict import Comparison, Extraction, Verdict
from racro_eval.scoring.official import decide

LETTERS = "ABCDEFGH"
_ANSWER = re.compile(r"[\s><:.]*([A-H])(?![A-Za-z])")


def judge(response: str, sample: Sample, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    options = dict(sample.options) or dict.fromkeys(LETTERS, "")

    def compare_answer(answer: str) -> Comparison:
        return compare_choice(answer, sample.answer, options, compare)

    return decide(response, finish_reason, compare_answer, _after_answer)


def _after_answer(response: str) -> Extraction | None:
    """The letter after the last "Answer", as in `<Answer>: C`."""
    _, marker, tail = visible_text(response).text.rpartition("Answer")
    match = _ANSWER.match(tail) if marker else None
    return Extraction(match[1], "answer-line") if match else None
