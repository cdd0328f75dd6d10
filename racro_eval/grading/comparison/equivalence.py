"""Whether two final answers are the same: the public comparison and its rules."""

from __future__ import annotations

import re

from racro_eval.grading.comparison.choices import either, letter_and_text, letters_of
from racro_eval.grading.comparison.comparer import Comparer
from racro_eval.grading.comparison.nodes import Node
from racro_eval.grading.comparison.normalize import normalize, within_budget
from racro_eval.grading.comparison.structure import parse, parse_list
from racro_eval.grading.comparison.words import is_words, same_words
from racro_eval.grading.maths.numeric import TooBig
from racro_eval.grading.rules import Rule, parse_rule
from racro_eval.grading.verdict import Comparison, Status

# A gold answer that can only be option letters: `B`, `(B)`, `B, D`.
_LETTERS = re.compile(r"\(?[A-J]\)?|[A-J](?:,[A-J])+")


def compare(prediction: str, answer: str, rule: str = "math") -> Comparison:
    """Compare a prediction with the gold `answer`.

    rule: one that `rules.py` describes; "math" follows the policy table of docs/scoring.md.
    Raises ConfigError for any other.
    Too big an answer is compared as a plain string and otherwise unparsed.
    """
    kind = parse_rule(rule)
    if prediction.strip() and prediction.strip() == answer.strip():
        return Comparison(Status.correct, "string", (prediction.strip(), answer.strip()))
    if not (within_budget(prediction) and within_budget(answer)):
        return Comparison(Status.unparsed, "too-big")
    left, right = normalize(prediction), normalize(answer)
    forms = (left, right)
    if not left or not right:
        return Comparison(Status.incorrect, "string", forms)
    if left == right:
        return Comparison(Status.correct, "string", forms)
    outcome = _by_rule(left, right, kind)
    return Comparison(outcome.status, outcome.method, forms)


def is_equivalent(prediction: str, answer: str, *, rule: str | None = None) -> bool:
    """Whether `prediction` says the same as the gold `answer`.

    No text makes it raise, hang (2.5 s at most) or run anything; a
    comparison that cannot be decided is False. Raises ConfigError for an unknown rule name.

    >>> from racro_eval import is_equivalent
    >>> is_equivalent("0.5", r"\\frac{1}{2}")
    True
    """
    return compare(prediction, answer, rule or "math").equal


def _decided(equal: bool, method: str) -> Comparison:
    return Comparison(Status.correct if equal else Status.incorrect, method)


def _by_rule(prediction: str, answer: str, kind: Rule) -> Comparison:
    rule = kind.kind
    if rule == "choice" or (rule == "math" and _LETTERS.fullmatch(answer)):
        letters, gold = letters_of(prediction), letters_of(answer)
        split = letter_and_text(prediction)
        if letters is None and split is not None:
            letters = frozenset(split[0])
        elif either(prediction):
            letters = letters and frozenset()
        if rule == "choice" or letters is not None:
            return _decided(letters is not None and letters == gold, "choice-letter")
    if rule == "text" or is_words(prediction) or is_words(answer):
        if same_words(prediction, answer):
            return _decided(True, "text")
        if rule == "text":
            return _decided(False, "text")
    return _by_structure(prediction, answer, kind)


def _by_structure(prediction: str, answer: str, kind: Rule) -> Comparison:
    from racro_eval.grading.maths.workers import WorkerDied, WorkerTimeout

    comparer = Comparer(kind)
    try:
        equal = any(
            comparer.same(*(_read(text, kind, thousands) for text in (prediction, answer)))
            for thousands in ((True, False) if "," in prediction + answer else (True,))
        )
    except (TooBig, RecursionError):
        return Comparison(Status.unparsed, "too-big")
    except WorkerTimeout:
        return Comparison(Status.timeout, "sympy")
    except (WorkerDied, OSError):  # OSError: no worker can be started
        return Comparison(Status.error, "sympy")
    return _decided(equal, comparer.method)


def _read(text: str, kind: Rule, thousands: bool) -> Node:
    return parse_list(text) if kind.kind == "list" else parse(text, thousands=thousands)
