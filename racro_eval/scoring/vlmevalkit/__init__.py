"""Scorers of the profile `vlmevalkit`: verdicts of the paper's released code without its judge.

That code is a copy of VLMEvalKit of July 2025, and its defects are kept. It reads the whole
response, including the thought. Rows that its rules do not decide are sent to a GPT judge; here
they are `unparsed`. The scorers are for comparison with published numbers; otherwise prefer the
official ones.
"""

from __future__ import annotations

from racro_eval.data.sample import Sample
from racro_eval.grading.verdict import Status, Verdict

NEEDS_JUDGE = "would-ask-a-judge"


def decided_verdict(correct: bool, extracted: str, method: str, answer: str) -> Verdict:
    """A verdict that the released code reaches without its judge."""
    status = Status.correct if correct else Status.incorrect
    return Verdict(status, extracted, method, correct, (extracted, answer))


def needs_judge(response: str) -> Verdict:
    """The verdict on a row that the released code sends to its judge."""
    status = Status.unparsed if response.strip() else Status.empty
    return Verdict(status, "", NEEDS_JUDGE, False)


def always_asks(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """MathVerse and OlympiadBench: the released code sends every row to its judge."""
    return needs_judge(response)
