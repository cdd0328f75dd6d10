"""The texts that the demo's models learn to write, from a problem's facts.

A model of half a million weights cannot look up a value by its name, find a maximum, or choose
among four options in one step: trained on that, it stays at chance. But it can learn to go through
a list in order and to write, at every item, the result so far. So the solutions do that, with bars
and with options.
"""

from __future__ import annotations

import random

from racro_eval.demo.facts import BarsFacts, CountFacts, ExpressionFacts, TriangleFacts
from racro_eval.demo.problems import Problem, Skill

VAGUE: dict[Skill, str] = {
    "count": "The picture shows some coloured shapes.",
    "bars": "The image shows a bar chart with four bars.",
    "expr": "The image shows an expression.",
    "tri": "The image shows a triangle.",
}
"""Captions without regard to the question: right, but useless."""
UNKNOWN = "The values are not given. The answer is \\boxed{unknown}"
_SHIFTS = (*range(-10, 0), *range(1, 11), 20)


def final(problem: Problem, value: str) -> str:
    """The last sentence, with the boxed answer: the value, or the letter of its option."""
    for letter, text in problem.options.items():
        if text == value:
            return f"{value} is option {letter}. \\boxed{{{letter}}}"
    return f"The answer is \\boxed{{{value}}}"


def tentative(problem: Problem, value: str) -> str:
    """The caption, a guess at the value without any calculation, and the last sentence."""
    return f"{problem.caption} From the picture I get {value}. {final(problem, value)}"


def wrong_value(problem: Problem, rng: random.Random) -> str:
    """The value of a bad guess: another option, or a number not far away."""
    if problem.options:
        return rng.choice([text for text in problem.options.values() if text != problem.value])
    value = int(problem.value)
    return str(rng.choice([value + shift for shift in _SHIFTS if value + shift >= 0]))


def solution(problem: Problem) -> str:
    """The steps to the value, the options if there are any, and the last sentence."""
    return " ".join(filter(None, (working(problem), scan(problem), final(problem, problem.value))))


def keep_tentative(problem: Problem, value: str) -> str:
    """The answer to a useless caption with a tentative response of this value."""
    reason = "The values are not given, so I keep the tentative response."
    return f"{reason} {final(problem, value)}"


def scan(problem: Problem) -> str:
    """The options up to the right one: `A: 9 no, B: 22 yes.`"""
    steps: list[str] = []
    for letter, text in problem.options.items():
        if text == problem.value:
            return ", ".join([*steps, f"{letter}: {text} yes."])
        steps.append(f"{letter}: {text} no")
    return ""


def working(problem: Problem) -> str:
    """The steps to the value."""
    match problem.facts:
        case CountFacts() as facts:
            return _count(facts)
        case BarsFacts() as facts:
            return _bars(facts)
        case ExpressionFacts() as facts:
            return "; ".join(f"{a}{sign}{b}={result}" for a, sign, b, result in facts.steps) + "."
        case TriangleFacts(angles=(first, second)):
            known = first + second
            return f"{first}+{second}={known}; 180-{known}={180 - known}."


def _count(facts: CountFacts) -> str:
    """Every shape, whether it counts, and the count so far: `red yes 1, blue no 1.`"""
    steps, number = [], 0
    for label in facts.labels:
        number += label == facts.asked
        steps.append(f"{label} {'yes' if label == facts.asked else 'no'} {number}")
    return ", ".join(steps) + "."


def _bars(facts: BarsFacts) -> str:
    """Every bar with the result so far; for a sum or a difference, the last calculation."""
    steps = [
        f"{name}={value}: {_so_far(facts, number)}"
        for number, (name, value) in enumerate(zip(facts.names, facts.values, strict=True), 1)
    ]
    text = "; ".join(steps) + "."
    if facts.asked in ("sum", "difference"):
        sign = "+" if facts.asked == "sum" else "-"
        text += f" {max(facts.values)}{sign}{min(facts.values)}={facts.value}."
    return text


def _so_far(facts: BarsFacts, number: int) -> str:
    """The result after the first `number` bars: the range, the total, or the leading bar."""
    values = facts.values[:number]
    match facts.asked:
        case "sum" | "difference":
            return f"so far {min(values)} to {max(values)}"
        case "total":
            before, total = sum(values[:-1]), sum(values)
            return f"{before}+{values[-1]}={total}" if number > 1 else f"so far {total}"
        case "largest" | "smallest":
            best = max(values) if facts.asked == "largest" else min(values)
            return f"so far {facts.names[facts.values.index(best)]} with {best}"
