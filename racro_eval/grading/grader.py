"""The general grader: extracts the answer of a response and compares it by the answer rule."""

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

    finish_reason: of the engine; "length" if the response reached the limit of tokens. Raises
    ConfigError if the sample's answer rule is not one of `rules.py`; no text makes it raise.
    """
    rule = sample.rule or ("choice" if sample.options else "math")
    check_rule(rule)
    extractions = extract_all(response, finish_reason=finish_reason)
    extractions = extractions or _option_by_text(response, sample, rule)
    if not extractions:
        return unanswered(response, finish_reason)
    verdict = _verdict(extractions[0], sample, rule)
    if not verdict.correct and len(extractions) > 1 and rule == "math":
        # Several boxes as one list: only a gold answer with several items can equal it.
        joint = _verdict(extractions[1], sample, rule)
        verdict = joint if joint.correct else verdict
    return verdict


def unanswered(response: str, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response without an extracted answer: empty, truncated or unparsed."""
    if not response.strip():
        return Verdict(Status.empty, "", "", False)
    truncated = finish_reason == "length" or visible_text(response).unfinished
    return Verdict(Status.truncated if truncated else Status.unparsed, "", "", False)


def _option_by_text(response: str, sample: Sample, rule: str) -> list[Extraction]:
    if rule != "choice":
        return []
    extraction = named_option(visible_text(response).text, sample.options)
    return [extraction] if extraction else []


def _verdict(extraction: Extraction, sample: Sample, rule: str) -> Verdict:
    text = extraction.text
    if rule == "choice" and sample.options and within_budget(text):
        comparison = compare_choice(text, sample.answer, sample.options, _same_text)
    else:
        comparison = compare(text, sample.answer, rule)
    return verdict_of(extraction, comparison)


def _same_text(prediction: str, option: str) -> Comparison:
    return compare(prediction, option, "math")
