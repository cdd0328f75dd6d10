"""Whether two final answers are the same: the public comparison and its rules."""

from __future__ import annotations

import re

from racro_eval.grading.choices import letter_and_text, letters_of
from racro_eval.grading.comparer import Comparer
from racro_eval.grading.normalize import normalize, within_budget
from racro_eval.grading.numeric import TooBig
from racro_eval.grading.rules import Rule, parse_rule
from racro_eval.grading.structure import parse
from racro_eval.grading.verdict import Comparison, Status
from racro_eval.grading.words import is_words, same_words

# A gold answer that can only be option letters: `B`, `(B)`, `B, D`.
_LETTERS = re.compile(r"\(?[A-J]\)?|[A-J](?:,[A-J])+")


def compare(prediction: str, answer: str, rule: str = "math") -> Comparison:
    """Compare a prediction with the gold `answer`.

    rule: "math" (GRADING.md's policy), "text" (words only), "integer", "float" (rounds to the
    decimals of the gold) or "choice" (letters). Raises ConfigError for any other name.
    Too big an answer is compared as a plain string and otherwise unparsed.
    """
    kind = parse_rule(rule)
    if prediction.strip() and prediction.strip() == answer.strip():
        return Comparison(Status.correct, "string")
    if not (within_budget(prediction) and within_budget(answer)):
        return Comparison(Status.unparsed, "too-big")
    left, right = normalize(prediction), normalize(answer)
    if not left or not right:
        return Comparison(Status.incorrect, "string")
    if left == right:
        return Comparison(Status.correct, "string")
    return _by_rule(left, right, kind)


def is_equivalent(prediction: str, answer: str, *, rule: str | None = None) -> bool:
    """Whether `prediction` says the same as the gold `answer`.

    No text makes it raise, hang (at most 2.5 s once the worker runs) or run anything; a
    comparison that cannot be decided is False. Raises ConfigError for an unknown rule name.
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
        if rule == "choice" or letters is not None:
            return _decided(letters is not None and letters == gold, "choice-letter")
    if rule == "text" or is_words(prediction) or is_words(answer):
        if same_words(prediction, answer):
            return _decided(True, "text")
        if rule == "text":
            return _decided(False, "text")
    from racro_eval.grading.workers import WorkerDied, WorkerTimeout

    comparer = Comparer(kind)
    try:
        equal = any(
            comparer.same(parse(prediction, thousands=reading), parse(answer, thousands=reading))
            for reading in ((True, False) if "," in prediction + answer else (True,))
        )
    except TooBig:
        return Comparison(Status.unparsed, "too-big")
    except WorkerTimeout:
        return Comparison(Status.timeout, "sympy")
    except (WorkerDied, OSError):  # OSError: no worker can be started
        return Comparison(Status.error, "sympy")
    return _decided(equal, comparer.method)
