"""The solutions that the demo's reasoners learn: every step is right, and ends in the answer."""

from __future__ import annotations

import random
import re

from racro_eval.demo.facts import BarsFacts, CountFacts
from racro_eval.demo.problems import SKILLS, Problem, problem
from racro_eval.demo.train import chains
from racro_eval.grading import extract_answer

MANY = [problem(11, number) for number in range(800)]
_CALCULATION = re.compile(r"(\d+)([+x-])(\d+)=(\d+)")


def boxed(text: str) -> str:
    """The answer of a text that ends in a box."""
    match = re.search(r"\\boxed\{([^}]*)\}$", text)
    assert match, text
    return match[1]


def test_solutions_are_right() -> None:
    for made in MANY:
        check_solution(made, chains.solution(made))


def check_solution(made: Problem, text: str) -> None:
    """Every statement of a solution."""
    assert boxed(text) == made.answer == extract_answer(text)
    for left, sign, right, result in _CALCULATION.findall(text):
        a, b = int(left), int(right)
        assert int(result) == {"+": a + b, "-": a - b, "x": a * b}[sign], text
    for letter, option, verdict in re.findall(r"\b([A-D]): (\w+) (yes|no)", text):
        assert made.options[letter] == option
        assert (verdict == "yes") == (letter == made.answer)
    if made.options:
        assert f"{made.value} is option {made.answer}." in text
    check_walk(made, text)


def check_walk(made: Problem, text: str) -> None:
    """What a walk along shapes or bars says at each of them."""
    match made.facts:
        case CountFacts() as facts:
            steps = re.findall(r"([a-z]+) (yes|no) (\d)", text)
            assert tuple(label for label, _, _ in steps) == facts.labels
            marks = [verdict == "yes" for _, verdict, _ in steps]
            assert marks == [label == facts.asked for label in facts.labels]
            assert [int(number) for *_, number in steps] == [
                sum(marks[: at + 1]) for at in range(len(marks))
            ]
        case BarsFacts() as facts:
            bars = list(zip(facts.names, map(str, facts.values), strict=True))
            assert re.findall(r"([KMPRST])=(\d+)", text) == bars
            for at, (low, high) in enumerate(re.findall(r"so far (\d+) to (\d+)", text), 1):
                assert (int(low), int(high)) == (min(facts.values[:at]), max(facts.values[:at]))
            best = max if facts.asked == "largest" else min
            for at, (name, value) in enumerate(re.findall(r"so far ([A-Z]) with (\d+)", text), 1):
                assert int(value) == best(facts.values[:at])
                assert (name, value) in bars
        case _:
            assert _CALCULATION.search(text)


def test_tentative_answers() -> None:
    for made in MANY:
        right = chains.tentative(made, made.value)
        assert right.startswith(f"{made.caption} From the picture I get {made.value}. ")
        assert boxed(right) == made.answer
        wrong = chains.wrong_value(made, random.Random(0))
        assert wrong != made.value
        answer = boxed(chains.tentative(made, wrong))
        assert answer != made.answer
        assert boxed(chains.keep_tentative(made, wrong)) == answer


def test_what_solutions_look_like() -> None:
    texts = {made.skill: chains.working(made) for made in MANY[:4]}
    assert set(texts) == set(SKILLS) == set(chains.VAGUE)
    assert boxed(chains.UNKNOWN) == "unknown"
    assert all(len(chains.solution(made)) < 240 for made in MANY)
