"""LogicVista: `dataset/utils/logicvista.py`.

The judge extracts letters, and its reply counts only if it consists of capital letters: "B, D", "a"
and "3" do not count. A response that is such a reply needs no judge.
"""

from __future__ import annotations

from racro_eval.data.sample import Sample
from racro_eval.grading.verdict import Verdict
from racro_eval.scoring.vlmevalkit import decided_verdict, needs_judge


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    if not is_reply(response):
        return needs_judge(response)
    return decided_verdict(check(response, sample.answer), response, "letters", sample.answer)


def is_reply(text: str) -> bool:
    """Whether the released code accepts this text as a reply of its judge."""
    return text.isascii() and text.isalpha() and text.isupper()


def check(reply: str, gold: str) -> bool:
    """Whether a judge's reply has exactly the gold letters."""
    return is_reply(reply) and sorted(set(reply)) == sorted(set(gold.split(", ")))
