"""The results of grading: extractions, comparisons and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

GRADER_VERSION = "5"
"""Increased when verdicts change; files graded by another version are graded again."""


class Status(StrEnum):
    """The status of a graded response; only `correct` counts as correct.

    >>> from racro_eval import Sample, Status, grade
    >>> grade("I do not know.", Sample("1", "1 + 1?", answer="2")).status is Status.unparsed
    True
    """

    correct = "correct"
    incorrect = "incorrect"
    unparsed = "unparsed"
    """There is text, but no final answer in it, or none that can be compared."""
    truncated = "truncated"
    """The response ended before it stated an answer."""
    empty = "empty"
    timeout = "timeout"
    """The symbolic comparison did not end within its time limit."""
    error = "error"
    """The symbolic worker died; grading the row again may succeed."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """The final answer of a response, as written.

    method: how it was found, e.g. "boxed" (see `extraction/extract.py`).
    """

    text: str
    method: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of grading one response.

    extracted: the answer found in the response, "" if there is none.
    method: the method of extraction and of comparison, e.g. "boxed/number"; "" if nothing was
    extracted.
    normal_forms: what was compared: the extracted and the gold answer in the grader's notation.

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


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing two answers: correct, incorrect, or why it is not decided."""

    status: Status
    method: str
    normal_forms: tuple[str, str] = ("", "")

    @property
    def equal(self) -> bool:
        """Whether the two answers are equal."""
        return self.status is Status.correct


def decided(equal: bool, method: str, prediction: str = "", answer: str = "") -> Comparison:
    """A comparison with a decision. prediction, answer: what was compared, if it is to be shown."""
    return Comparison(Status.correct if equal else Status.incorrect, method, (prediction, answer))


def verdict_of(extraction: Extraction, comparison: Comparison) -> Verdict:
    """The verdict on a response from its extracted answer and the comparison with the gold one."""
    method = f"{extraction.method}/{comparison.method}"
    return Verdict(
        comparison.status, extraction.text, method, comparison.equal, comparison.normal_forms
    )
