"""Verdicts as the paper's released evaluation code gives them without its judge, defects included.

That code is a copy of VLMEvalKit of July 2025. It reads the whole response, the thought too; what
its rules leave open goes to a GPT judge, and such rows are `unparsed` here. For comparing with
published numbers; no rule in here is a good one where the official rule differs.
"""

from __future__ import annotations

from racro_eval.data.sample import Sample
from racro_eval.grading.verdict import Status, Verdict

WOULD_ASK = "would-ask-a-judge"


def decided(correct: bool, extracted: str, method: str, answer: str) -> Verdict:
    """A verdict that the released code reaches by itself."""
    status = Status.correct if correct else Status.incorrect
    return Verdict(status, extracted, method, correct, (extracted, answer))


def would_ask(response: str) -> Verdict:
    """The row would go to the judge."""
    status = Status.unparsed if response.strip() else Status.empty
    return Verdict(status, "", WOULD_ASK, False)


def always_asks(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """MathVerse and OlympiadBench: the released code has no rule, every row goes to the judge."""
    return would_ask(response)
