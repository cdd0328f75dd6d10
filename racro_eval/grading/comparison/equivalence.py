"""Whether two final answers are equal by an answer rule."""

from __future__ import annotations

import re

from racro_eval.grading.comparison.choices import letter_and_text, letters_of, names_alternatives
from racro_eval.grading.comparison.comparer import Comparer
from racro_eval.grading.comparison.nodes import Node
from racro_eval.grading.comparison.normalize import normalize, within_budget
from racro_eval.grading.comparison.structure import parse, parse_list
from racro_eval.grading.comparison.words import is_words, same_words
from racro_eval.grading.maths.numeric import TooBig
from racro_eval.grading.rules import AnswerRule, parse_rule
from racro_eval.grading.verdict import Comparison, Status, decided

# A gold answer that can only be option letters: `B`, `(B)`, `B, D`.
_LETTERS = re.compile(r"\(?[A-J]\)?|[A-J](?:,[A-J])+")


def compare(prediction: str, answer: str, rule: str = "math") -> Comparison:
    """Compare a prediction with the gold `answer`.

    rule: an answer rule of `rules.py`; "math" follows the table of docs/scoring.md. Raises
    ConfigError for any other. An answer that is too big equals the same text only; otherwise it is
    unparsed.
    """
    answer_rule = parse_rule(rule)
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
    comparison = _by_rule(left, right, answer_rule)
    return Comparison(comparison.status, comparison.method, forms)


def is_equivalent(prediction: str, answer: str, *, rule: str | None = None) -> bool:
    """Whether `prediction` equals the gold `answer`; False if that cannot be decided.

    Raises ConfigError for an unknown answer rule. No text makes it raise, run code, or take longer
    than 2.5 s.

    >>> from racro_eval import is_equivalent
    >>> is_equivalent("0.5", r"\\frac{1}{2}")
    True
    """
    return compare(prediction, answer, rule or "math").equal


def _by_rule(prediction: str, answer: str, rule: AnswerRule) -> Comparison:
    kind = rule.kind
    if kind == "choice" or (kind == "math" and _LETTERS.fullmatch(answer)):
        letters, gold = letters_of(prediction), letters_of(answer)
        split = letter_and_text(prediction)
        if letters is None and split is not None:
            letters = frozenset(split[0])
        elif names_alternatives(prediction):
            letters = letters and frozenset()
        if kind == "choice" or letters is not None:
            return decided(letters is not None and letters == gold, "choice-letter")
    if kind == "text" or is_words(prediction) or is_words(answer):
        if same_words(prediction, answer):
            return decided(True, "text")
        if kind == "text":
            return decided(False, "text")
    return _by_structure(prediction, answer, rule)


def _by_structure(prediction: str, answer: str, rule: AnswerRule) -> Comparison:
    from racro_eval.grading.maths.workers import WorkerDied, WorkerTimeout

    comparer = Comparer(rule)
    try:
        equal = any(
            comparer.same(*(_read(text, rule, thousands) for text in (prediction, answer)))
            for thousands in ((True, False) if "," in prediction + answer else (True,))
        )
    except (TooBig, RecursionError):
        return Comparison(Status.unparsed, "too-big")
    except WorkerTimeout:
        return Comparison(Status.timeout, "sympy")
    except (WorkerDied, OSError):  # OSError: no worker can be started
        return Comparison(Status.error, "sympy")
    return decided(equal, comparer.method)


def _read(text: str, rule: AnswerRule, thousands: bool) -> Node:
    return parse_list(text) if rule.kind == "list" else parse(text, thousands=thousands)
