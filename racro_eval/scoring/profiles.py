"""Profiles: by whose rule a response is judged.

official     each benchmark's own published rule, its code's errors mended (the default)
vlmevalkit   what the paper's released evaluation code does without its judge, errors included

A benchmark names its rule as `scorer`; one that names none is judged by the grader alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import Literal, Protocol, get_args

from racro_eval.data.sample import Sample
from racro_eval.errors import ConfigError
from racro_eval.grading.verdict import Verdict

SCORING_VERSION = "2"
"""Raised when verdicts change; graded files of other versions are made again."""

Profile = Literal["official", "vlmevalkit"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
DEFAULT_PROFILE: Profile = "official"

_OFFICIAL = "racro_eval.scoring.official"
_VLMEVALKIT = "racro_eval.scoring.vlmevalkit"
_RULES: dict[Profile, dict[str | None, tuple[str, str]]] = {
    "official": {
        None: ("racro_eval.grading.grader", "grade"),
        "dynamath": (f"{_OFFICIAL}.dynamath", "judge"),
        "logicvista": (f"{_OFFICIAL}.logicvista", "judge"),
        "mathverse": (f"{_OFFICIAL}.mathverse", "judge"),
        "mathvision": (f"{_OFFICIAL}.mathvision", "judge"),
        "mathvista": (f"{_OFFICIAL}.mathvista", "judge"),
        "mmmu": (f"{_OFFICIAL}.mmmu", "judge"),
        "mmmu_pro": (f"{_OFFICIAL}.mmmu", "judge_pro"),
        "olympiadbench": (f"{_OFFICIAL}.olympiadbench", "judge"),
        "wemath": (f"{_OFFICIAL}.wemath", "judge"),
    },
    "vlmevalkit": {
        None: (f"{_VLMEVALKIT}.matcher", "judge"),
        "dynamath": (f"{_VLMEVALKIT}.dynamath", "judge"),
        "logicvista": (f"{_VLMEVALKIT}.logicvista", "judge"),
        "mathverse": (_VLMEVALKIT, "always_asks"),
        "mathvision": (f"{_VLMEVALKIT}.mathvision", "judge"),
        "mathvista": (f"{_VLMEVALKIT}.mathvista", "judge"),
        "mmmu": (f"{_VLMEVALKIT}.mmmu", "judge"),
        "mmmu_pro": (f"{_VLMEVALKIT}.matcher", "judge"),
        "olympiadbench": (_VLMEVALKIT, "always_asks"),
        "wemath": (f"{_VLMEVALKIT}.wemath", "judge"),
    },
}


class Rule(Protocol):
    """A benchmark's rule. Never raises on a response."""

    def __call__(self, response: str, sample: Sample, *, finish_reason: str = ...) -> Verdict: ...


def rule_of(scorer: str | None, profile: Profile = DEFAULT_PROFILE) -> Rule:
    """The rule of a benchmark's scorer in a profile. Raises ConfigError for an unknown name."""
    rules = _RULES[profile]
    if scorer not in rules:
        known = ", ".join(name for name in rules if name)
        raise ConfigError(f"There is no scorer {scorer!r}; known: {known}.")
    module, name = rules[scorer]
    rule: Rule = getattr(import_module(module), name)
    return rule


def grade(
    response: str,
    sample: Sample,
    *,
    profile: Profile = DEFAULT_PROFILE,
    finish_reason: str = "stop",
) -> Verdict:
    """The verdict on `response` as an answer to `sample`, by its benchmark's rule.

    finish_reason: what the engine said; "length" when it stopped for want of tokens. Raises
    ConfigError for a scorer or an answer rule that does not exist; never raises on text.

    >>> from racro_eval import Sample, grade
    >>> sample = Sample("1", "Which is larger?", options={"A": "a cat", "B": "an ant"}, answer="A")
    >>> grade("The cat is. Answer: A", sample).correct
    True
    """
    return rule_of(sample.scorer, profile)(response, sample, finish_reason=finish_reason)
