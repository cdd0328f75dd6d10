"""MMMU: `MMMU_preproc` and `mcq_vanilla_eval`.

An open question becomes a multiple choice between its gold answer (A) and "Other Answers" (B), so
that an article "A", or the gold text anywhere, is correct. If the gold answer is a capital letter,
that letter remains the key: C is then never correct, and with B every other answer is.
"""

from __future__ import annotations

import re
from dataclasses import replace

from racro_eval.data.sample import Sample
from racro_eval.grading.verdict import Verdict
from racro_eval.scoring.vlmevalkit.matcher import grade as grade_choice


def grade(response: str, sample: Sample, *, finish_reason: str = "stop") -> Verdict:
    """The verdict on a response."""
    if sample.options:
        return grade_choice(response, sample)
    key = sample.answer if re.fullmatch("[A-Z]", sample.answer) else "A"
    options = {"A": sample.answer, "B": "Other Answers"}
    return grade_choice(response, replace(sample, options=options, answer=key))
