"""Each benchmark's rule in both profiles, on the cases of profiles.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from racro_eval import grade
from racro_eval.data.sample import Sample
from racro_eval.data.spec import BENCHMARKS, load_spec
from racro_eval.errors import ConfigError
from racro_eval.scoring.official import olympiadbench
from racro_eval.scoring.profiles import PROFILES, SCORERS, Profile, rule_of
from racro_eval.scoring.vlmevalkit import logicvista, mathvista
from racro_eval.scoring.vlmevalkit.matcher import can_infer

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "profiles.json").read_text(encoding="utf-8")
)
NINES, LETTERS = "9" * 100_000, "A" * 1_000_000
HOSTILE = ["\\boxed{" * 2000, NINES, "{}" * 5000, "\x00\ud800", LETTERS, "(((" * 999]


def sample_of(case: dict[str, Any]) -> Sample:
    return Sample(
        index="1",
        question=case.get("question", ""),
        options=case.get("options", {}),
        answer=case["answer"],
        rule=case.get("rule"),
        scorer=case.get("scorer"),
    )


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{c.get('scorer')}:{c['response'][:30]}={c['answer'][:20]}"
)
def test_verdict(case: dict[str, Any], profile: Profile) -> None:
    verdict = grade(case["response"], sample_of(case), profile=profile)
    assert verdict.status.value == case[profile], (case["why"], verdict)
    assert verdict.correct == (verdict.status.value == "correct")


def test_every_scorer_has_cases_and_a_rule_in_every_profile() -> None:
    assert set(SCORERS) == {case["scorer"] for case in CASES if "scorer" in case}
    for profile in PROFILES:
        for scorer in (None, *SCORERS):
            assert callable(rule_of(scorer, profile))


def test_an_unknown_scorer_is_refused() -> None:
    with pytest.raises(ConfigError, match="There is no scorer 'magic'; known: dynamath"):
        rule_of("magic")


def test_the_papers_benchmarks_name_their_scorer() -> None:
    specs = [load_spec(name) for name in sorted(BENCHMARKS)]
    assert all(spec.scorer for spec in specs if spec.paper_column)


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("scorer", list(SCORERS))
def test_hostile_text_gets_a_verdict(scorer: str, profile: Profile) -> None:
    for rule, options in (("choice", {"A": "1", "B": "2"}), ("float:2", {}), ("list", {})):
        sample = Sample(
            index="1", question="", options=options, answer="B", rule=rule, scorer=scorer
        )
        for text in HOSTILE:
            for response in (text, f"\\boxed{{{text}}}"):
                assert not grade(response, sample, profile=profile).correct


@pytest.mark.parametrize("scorer", list(SCORERS))
def test_an_unfinished_thought_is_no_answer_officially(scorer: str) -> None:
    sample = Sample(index="1", question="", options={"A": "1", "B": "2"}, answer="B", scorer=scorer)
    assert grade("<think>It is \\boxed{B}", sample).status.value == "truncated"
    assert grade("<think>A?</think>\\boxed{B}", sample).correct
    assert grade("So it is", sample, finish_reason="length").status.value == "truncated"


# What the released code makes of an answer that its judge has extracted.
EXTRACTED = [
    (mathvista.check, "14.0", "14", "integer", {}, False, "int() refuses it"),
    (mathvista.check, "14", "14", "integer", {}, True, "an integer"),
    (mathvista.check, "\\boxed{14}", "14", "integer", {}, False, "the judge must strip the box"),
    (mathvista.check, "3.14", "3.1", "float:1", {}, False, "no tolerance"),
    (mathvista.check, "3.1", "3.1", "float:1", {}, True, "exactly"),
    (mathvista.check, "3.1 cm", "3.1", "float:1", {}, False, "float() refuses it"),
    (mathvista.check, "[1, 2]", "[1, 2]", "list", {}, False, "list rows are never right"),
    (mathvista.check, "B", "B", "choice", {"A": "3/8", "B": "8/11"}, True, "the letter"),
    (mathvista.check, "8/11", "B", "choice", {"A": "3/8", "B": "8/11"}, True, "the text"),
    (mathvista.check, "(B) 8/11", "B", "choice", {"A": "3/8", "B": "8/11"}, True, "both"),
]


@pytest.mark.parametrize(("check", "text", "gold", "rule", "options", "right", "why"), EXTRACTED)
def test_the_released_check_of_an_extracted_answer(
    check: Any, text: str, gold: str, rule: str, options: dict[str, str], right: bool, why: str
) -> None:
    sample = Sample(index="1", question="", options=options, answer=gold, rule=rule)
    assert check(text, sample) is right, why


@pytest.mark.parametrize(
    ("reply", "gold", "right"),
    [
        ("BD", "B, D", True),
        ("DB", "B, D", True),
        ("B, D", "B, D", False),
        ("B\n", "B", False),
        ("a", "A", False),
        ("3", "3", False),
        ("B", "B", True),
    ],
)
def test_the_released_check_of_a_logicvista_judge(reply: str, gold: str, right: bool) -> None:
    assert logicvista.check(reply, gold) is right


@pytest.mark.parametrize(
    ("text", "letter", "why"),
    [
        ("so \\boxed{C}", "C", "braces are spaces"),
        ("A square … so \\boxed{C}", "", "the article and C"),
        ("A square has area, I am unsure", "A", "the article alone"),
        ("**D**", "D", "stars are spaces"),
        ("(B)", "B", "brackets"),
        ("Answer: B.", "B", "colon and full stop"),
        ("$\\boxed{\\text{B}}$", "B", "nested"),
        ("b", "", "lower case"),
        ("the answer is 8/11", "B", "by the option's text"),
        ("Z", "Z", "none of them"),
        ("Cannot determine the answer", "Z", "a refusal"),
        ("A and B", "", "two letters"),
    ],
)
def test_the_released_option_matcher(text: str, letter: str, why: str) -> None:
    options = {"A": "3/8", "B": "8/11", "C": "1/2", "D": "none"}
    assert can_infer(text, options) == letter, why


@pytest.mark.parametrize(
    ("answer", "gold", "error", "equal", "why"),
    [
        ("7.1 \\cdot 10^{35}", "7 \\times 10^{35}", "1e+34", True, "within the row's error"),
        ("7.1 \\cdot 10^{35}", "7 \\times 10^{35}", "1e33", False, "beyond it"),
        (
            "0.001, 7.1\\cdot10^{35}",
            "7\\cdot10^{35}, 0.002",
            "1e34, 0.001",
            True,
            "one each",
        ),
        ("0.002, 5.234", "0.003, 5.233", "0.001", True, "one error for all"),
        ("0.002", "0.0031", "0.001", False, "0.0011 away; 1 % slack is not enough"),
        ("0.64 N", "0.64", "", True, "the unit may be given"),
        ("5.1 N", "5", "0.1", True, "the unit is taken off"),
        ("x=5.1", "5", "0.1", True, "so is the variable"),
    ],
)
def test_olympiadbench_errors(answer: str, gold: str, error: str, equal: bool, why: str) -> None:
    sample = Sample(index="", question="", answer=gold, meta={"error": error, "unit": "N"})
    assert olympiadbench.compare_answer(answer, sample).equal is equal, why
