"""We-Math: the matcher of `mcq_vanilla_eval`, then the patterns of the second release.

The patterns are tried on the last 2000 characters: \\boxed{X}, boxed{X}, <X>, "answer is X". The
last match of the first pattern that matches counts; else the first character after "Answer".
"""

from __future__ import annotations

import re

from racro_eval.data.sample import Sample
from racro_eval.grading.verdict import Verdict
from racro_eval.scoring.official.wemath import LETTERS
from racro_eval.scoring.vlmevalkit import decided_verdict, needs_judge
from racro_eval.scoring.vlmevalkit.matcher import can_infer

_TAIL_CHARS = 2000
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
        return needs_judge(response)
    return decided_verdict(letter == sample.answer, letter, method, sample.answer)


def by_patterns(response: str) -> str:
    """The letter that the patterns find; "" for none."""
    tail = response[-_TAIL_CHARS:]
    for pattern in _PATTERNS:
        letters = pattern.findall(tail)
        if letters:
            return str(letters[-1].upper())
    after = response.rpartition("Answer")[2].strip()
    first = re.sub(r"[><:.]", "", after).strip()[:1]
    return first if first and first in LETTERS else ""
