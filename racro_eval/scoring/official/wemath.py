"""We-Math: the option letter; in the benchmark's own answer format the letter after "Answer".

Source: arXiv 2407.01284; `four_dimensional_metrics.py` of its repository.
"""

from __future__ import annotations

import re

from racro_eval.data.sample import Sample
from racro_eval.grading.comparison.choices import compare_choice
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.extraction.scope import visible_text
from racro_eval.grading.verdict import Comparison, Extraction, Verdict, verdict_of
from racro_eval.scoring.official import decide

LETTERS = "ABCDEFGH"
_ANSWER = re.compile(r"[\s><:.]*([A-H])(?![A-Za-z])")


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    options = dict(sample.options) or dict.fromkeys(LETTERS, "")

    def compare_answer(answer: str) -> Comparison:
        return compare_choice(answer, sample.answer, options, compare)

    tagged = _letter_after(response, "<Answer>")
    if tagged is not None and "\\boxed" not in response:
        return verdict_of(tagged, compare_answer(tagged.text))
    return decide(
        response, finish_reason, compare_answer, lambda response: _letter_after(response, "Answer")
    )


def _letter_after(response: str, marker: str) -> Extraction | None:
    """The letter after the last marker, as in `<Answer>: C`."""
    _, marked, tail = visible_text(response).text.rpartition(marker)
    match = _ANSWER.match(tail) if marked else None
    return Extraction(match[1], "answer-line") if match else None
