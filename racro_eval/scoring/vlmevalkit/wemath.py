"""We-Math: the matcher of `mcq_vanilla_eval`, then the second release's path without a judge.

That path takes, in the last 2000 characters, the last match of the first pattern that matches:
\\boxed{X}, boxed{X}, <X>, "answer is X"; else the first character after the last "Answer".
"""

from __future__ import annotations

import re

from racro_eval.data.sample import Sample
from racro_eval.grading.verdict import Verdict
from racro_eval.scoring.vlmevalkit import decided, would_ask
from racro_eval.scoring.vlmevalkit.matcher import can_infer

_TAIL = 2000
_PATTERNS = (
    re.compile(r"\\boxed\{([A-H])\}", re.IGNORECASE),
    re.compile(r"boxed\{([A-H])\}", re.IGNORECASE),
    re.compile(r"<([A-H])>", re.IGNORECASE),
    re.compile(
        r"(?:final\s+|correct\s+)?(?:answer|option|choice)\s*(?:is|:)\s*([A-H])\b", re.IGNORECASE
    ),
)


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    letter, method = can_infer(response, sample.options), "can-infer"
    if not letter:
        letter, method = by_patterns(response), "patterns"
    if not letter:
        return would_ask(response)
    return decided(letter == sample.answer, letter, method, sample.answer)


def by_patterns(response: str) -> str:
    """The letter that the patterns find; "" for none."""
    tail = response[-_TAIL:]
    for pattern in _PATTERNS:
        found = pattern.findall(tail)
        if found:
            return str(found[-1].upper())
    after = response.rpartition("Answer")[2].strip()
    first = re.sub(r"[><:.]", "", after).strip()[:1]
    return first if first and first in "ABCDEFGH" else ""
