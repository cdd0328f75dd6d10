"""The option matcher, `can_infer` of `vlmeval/utils/matching_util.py`.

First it reads letters: after punctuation is replaced by spaces, the answer is the only option
letter among the words, which may be the article "A". Then texts: the only option whose text is in
the response.
"""

from __future__ import annotations

from collections.abc import Mapping

from racro_eval.data.sample import Sample
from racro_eval.grading.verdict import Verdict
from racro_eval.scoring.vlmevalkit import decided_verdict, needs_judge

NO_OPTION = "Z"
_PUNCTUATION = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))
_REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)


def can_infer(text: str, options: Mapping[str, str]) -> str:
    """The letter that the matcher reads, "Z" for none of the options, "" if it cannot decide."""
    if any(refusal in text for refusal in _REFUSALS):
        return NO_OPTION
    words = set(text.translate(_PUNCTUATION).split())
    letters = [letter for letter in options if letter in words]
    if len(letters) == 1:
        return letters[0]
    if not letters and NO_OPTION in words:
        return NO_OPTION
    lowered = text.lower()
    named = [letter for letter, option in options.items() if option.lower() in lowered]
    return named[0] if len(named) == 1 else ""


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict by the matcher alone (`mcq_vanilla_eval`); other rows are sent to the judge."""
    letter = can_infer(response, sample.options) if sample.options else ""
    if not letter:
        return needs_judge(response)
    return decided_verdict(letter == sample.answer, letter, "can-infer", sample.answer)
