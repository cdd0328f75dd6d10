"""What grading hands back: statuses, extractions and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

GRADER_VERSION = "5"
"""Raised when verdicts change; graded files of other versions are made again."""


class Status(StrEnum):
    """How a response was judged; everything but `correct` counts as not correct.

    >>> from racro_eval import Sample, Status, grade
    >>> grade("I do not know.", Sample("1", "1 + 1?", answer="2")).status is Status.unparsed
    True
    """

    correct = "correct"
    incorrect = "incorrect"
    unparsed = "unparsed"
    """Text, but no final answer in it, or one that cannot be compared."""
    truncated = "truncated"
    """The response stopped before it gave an answer."""
    empty = "empty"
    timeout = "timeout"
    """The symbolic comparison did not end in time."""
    error = "error"
    """The symbolic worker died; grading the row again may help."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """The final answer of a response, as written, and the rule that found it."""

    text: str
    rule: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one response.

    extracted: the answer found in the response, "" when there is none.
    method: extraction rule and deciding comparison, e.g. "boxed/number"; "" when nothing
    was extracted.

    >>> from racro_eval import Sample, grade
    >>> verdict = grade("The answer is 2.", Sample("1", "1 + 1?", answer="2"))
    >>> verdict.correct, verdict.extracted, verdict.status.value
    (True, '2', 'correct')
    """

    status: Status
    extracted: str
    method: str
    correct: bool
    normal_forms: tuple[str, str] = ("", "")
    """What was compared: the extracted answer and the gold one in the grader's own spelling."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Outcome of comparing two answers; `status` is correct or incorrect when decided."""

    status: Status
    method: str
    normal_forms: tuple[str, str] = ("", "")

    @property
    def equal(self) -> bool:
        return self.status is Status.correct


def verdict_of(found: Extraction, outcome: Comparison) -> Verdict:
    """The verdict that a comparison with an answer found makes."""
    method = f"{found.rule}/{outcome.method}"
    return Verdict(outcome.status, found.text, method, outcome.equal, outcome.normal_forms)
