"""Grading: find the final answer of a response and compare it with the gold answer.

    grade("So the area is \\boxed{12}.", Sample("1", "What is the area?", answer="12")).correct

Importing this package does not import sympy, which runs in a worker process only. The modules of
the grader, which have many patterns, are imported when one of their names is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from racro_eval.grading.verdict import GRADER_VERSION, Extraction, Status, Verdict

if TYPE_CHECKING:
    from racro_eval.grading.comparison.equivalence import is_equivalent
    from racro_eval.grading.extraction.extract import extract, extract_answer
    from racro_eval.grading.grader import grade
    from racro_eval.grading.rules import RULES

__all__ = [
    "GRADER_VERSION",
    "RULES",
    "Extraction",
    "Status",
    "Verdict",
    "extract",
    "extract_answer",
    "grade",
    "is_equivalent",
]

_HOMES = {
    "RULES": "rules",
    "extract": "extraction.extract",
    "extract_answer": "extraction.extract",
    "grade": "grader",
    "is_equivalent": "comparison.equivalence",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
