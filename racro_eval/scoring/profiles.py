"""Profiles: by whose rule a response is graded.

official     each benchmark's own published rule, its code's errors mended (the default)
vlmevalkit   what the paper's released evaluation code does without its judge, errors included

A benchmark names its rule as `scorer`; one that names none is graded by the grader alone. A rule
that another package adds is the same in every profile: the released code has no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from racro_eval.common.registry import Registry, load_object
from racro_eval.errors import ConfigError

if TYPE_CHECKING:
    from racro_eval.data.sample import Sample
    from racro_eval.grading.verdict import Verdict

SCORING_VERSION = "2"
"""Raised when verdicts change; graded files of other versions are made again."""

Profile = Literal["official", "vlmevalkit"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
DEFAULT_PROFILE: Profile = "official"


class Rule(Protocol):
    """A benchmark's rule. Never raises on a response.

    response: all that the model wrote. sample: the row that it answers. finish_reason: "length" if
    the response was cut by its limit of tokens.
    """

    def __call__(self, response: str, sample: Sample, *, finish_reason: str = ...) -> Verdict: ...


_OFFICIAL = "racro_eval.scoring.official"
_VLMEVALKIT = "racro_eval.scoring.vlmevalkit"
SCORERS: Registry[Rule] = Registry(
    "scorers",
    "scorer",
    Callable,
    {
        "dynamath": f"{_OFFICIAL}.dynamath:grade",
        "logicvista": f"{_OFFICIAL}.logicvista:grade",
        "mathverse": f"{_OFFICIAL}.mathverse:grade",
        "mathvision": f"{_OFFICIAL}.mathvision:grade",
        "mathvista": f"{_OFFICIAL}.mathvista:grade",
        "mmmu": f"{_OFFICIAL}.mmmu:grade",
        "mmmu_pro": f"{_OFFICIAL}.mmmu:grade_pro",
        "olympiadbench": f"{_OFFICIAL}.olympiadbench:grade",
        "wemath": f"{_OFFICIAL}.wemath:grade",
    },
)
"""The official rules by name."""
_WITHOUT_SCORER: dict[Profile, str] = {
    "official": "racro_eval.grading.grader:grade",
    "vlmevalkit": f"{_VLMEVALKIT}.matcher:grade",
}
_AS_RELEASED = {
    "dynamath": f"{_VLMEVALKIT}.dynamath:grade",
    "logicvista": f"{_VLMEVALKIT}.logicvista:grade",
    "mathverse": f"{_VLMEVALKIT}:always_asks",
    "mathvision": f"{_VLMEVALKIT}.mathvision:grade",
    "mathvista": f"{_VLMEVALKIT}.mathvista:grade",
    "mmmu": f"{_VLMEVALKIT}.mmmu:grade",
    "mmmu_pro": f"{_VLMEVALKIT}.matcher:grade",
    "olympiadbench": f"{_VLMEVALKIT}:always_asks",
    "wemath": f"{_VLMEVALKIT}.wemath:grade",
}
"""Scorer → what the paper's released code does in place of the official rule."""


def rule_of(scorer: str | None, profile: Profile = DEFAULT_PROFILE) -> Rule:
    """The rule of a benchmark's scorer in a profile.

    Raises ConfigError for an unknown name, and what the registry raises for a package that cannot
    be loaded.
    """
    rule: Rule
    if scorer is None:
        rule = load_object(_WITHOUT_SCORER[profile])
        return rule
    if scorer not in SCORERS:
        raise ConfigError(
            f"There is no scorer {scorer!r}; known: {', '.join(SCORERS)}. If another package adds "
            "it, install that package."
        )
    rule = SCORERS[scorer]
    if profile == "vlmevalkit" and scorer in _AS_RELEASED:
        rule = load_object(_AS_RELEASED[scorer])
    return rule


def grade(
    response: str,
    sample: Sample,
    *,
    profile: Profile = DEFAULT_PROFILE,
    finish_reason: str = "stop",
) -> Verdict:
    """The verdict on `response` as an answer to `sample`, by its benchmark's rule.

    finish_reason: what the engine said; "length" when it stopped at the token limit. Raises
    ConfigError for a scorer or an answer rule that does not exist; never raises on text.

    >>> from racro_eval import Sample, grade
    >>> sample = Sample("1", "Which is larger?", options={"A": "a cat", "B": "an ant"}, answer="A")
    >>> grade("The cat is. Answer: A", sample).correct
    True
    """
    return rule_of(sample.scorer, profile)(response, sample, finish_reason=finish_reason)
