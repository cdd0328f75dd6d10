"""Judge a response against a sample: extraction, then the comparison its answer rule asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from racro_eval.grading.comparison.choices import compare_choice
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.comparison.normalize import within_budget
from racro_eval.grading.extraction.extract import extract_all
from racro_eval.grading.extraction.option_texts import named_option
from racro_eval.grading.extraction.scope import visible_text
from racro_eval.grading.rules import check_rule
from racro_eval.grading.verdict import Comparison, Extraction, Status, Verdict, verdict_of

if TYPE_CHECKING:
    from racro_eval.data.sample import Sample


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on `response` as an answer to `sample`.

    finish_reason: what the engine said; "length" when it stopped for want of tokens. The sample's
    rule decides how; raises ConfigError if it is none of `rules.py`. Never raises on text.
    """
    rule = sample.rule or ("choice" if sample.options else "math")
    check_rule(rule)
    found = extract_all(response, finish_reason=finish_reason) or _named(response, sample, rule)
    if not found:
        return unanswered(response, finish_reason)
    verdict = _judge(found[0], sample, rule)
    if not verdict.correct and len(found) > 1 and rule == "math":
        # Only a plural gold can equal several boxes; a single one never does.
        joint = _judge(found[1], sample, rule)
        verdict = joint if joint.correct else verdict
    return verdict


def unanswered(response: str, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response in which no answer was found: empty, truncated or unparsed."""
    if not response.strip():
        return Verdict(Status.empty, "", "", False)
    cut = finish_reason == "length" or visible_text(response).unfinished
    return Verdict(Status.truncated if cut else Status.unparsed, "", "", False)


def _named(response: str, sample: Sample, rule: str) -> list[Extraction]:
    found = named_option(visible_text(response).text, sample.options) if rule == "choice" else None
    return [found] if found else []


def _judge(found: Extraction, sample: Sample, rule: str) -> Verdict:
    if rule == "choice" and sample.options and within_budget(found.text):
        outcome = compare_choice(found.text, sample.answer, sample.options, _same_text)
    else:
        outcome = compare(found.text, sample.answer, rule)
    return verdict_of(found, outcome)


def _same_text(prediction: str, option: str) -> Comparison:
    return compare(prediction, option, "math")
