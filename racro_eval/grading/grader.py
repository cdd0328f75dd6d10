"""Judge a response against a sample: extraction, then the comparison its answer rule asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from racro_eval.grading.choices import compare_choice
from racro_eval.grading.equivalence import compare
from racro_eval.grading.extraction import extract_all, visible_text
from racro_eval.grading.normalize import normalize, within_budget
from racro_eval.grading.rules import check_rule
from racro_eval.grading.verdict import Comparison, Extraction, Status, Verdict

if TYPE_CHECKING:
    from racro_eval.data.sample import Sample

GRADER_VERSION = "2"
_MAX_WHOLE = 300


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on `response` as an answer to `sample`.

    finish_reason: what the engine said; "length" when it stopped for want of tokens. The sample's
    rule decides how; raises ConfigError if it is none of `rules.py`. Never raises on text.
    """
    rule = sample.rule or ("choice" if sample.options else "math")
    check_rule(rule)
    if not response.strip():
        return Verdict(Status.empty, "", "", False)
    found = extract_all(response, finish_reason=finish_reason) or _whole(response, sample, rule)
    if not found:
        cut = finish_reason == "length" or visible_text(response).unfinished
        return Verdict(Status.truncated if cut else Status.unparsed, "", "", False)
    verdict = _judge(found[0], sample, rule)
    if not verdict.correct and len(found) > 1 and rule == "math":
        # Only a plural gold can equal several boxes; a single one never does.
        joint = _judge(found[1], sample, rule)
        verdict = joint if joint.correct else verdict
    return verdict


def _whole(response: str, sample: Sample, rule: str) -> list[Extraction]:
    """A response that is nothing but an option's text, even "cannot be determined"."""
    text = visible_text(response).text.strip()
    if rule != "choice" or len(text) > _MAX_WHOLE:
        return []
    bare = normalize(text).lower()
    texts = {
        spelling
        for letter, option in sample.options.items()
        for spelling in (option, f"{letter}. {option}", f"({letter}) {option}")
    }
    return [Extraction(text, "bare")] if bare in {normalize(t).lower() for t in texts} else []


def _judge(found: Extraction, sample: Sample, rule: str) -> Verdict:
    if rule == "choice" and sample.options and within_budget(found.text):
        outcome = compare_choice(found.text, sample.answer, sample.options, _same_text)
    else:
        outcome = compare(found.text, sample.answer, rule)
    method = f"{found.rule}/{outcome.method}"
    return Verdict(outcome.status, found.text, method, outcome.equal, outcome.normal_forms)


def _same_text(prediction: str, option: str) -> Comparison:
    return compare(prediction, option, "math")
