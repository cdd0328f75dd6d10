"""Texts on which a pattern once tried exponentially many readings: each is answered at once."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from racro_eval.data.sample import Sample
from racro_eval.grading import extract_answer, grade, is_equivalent
from tests.support.effort import grows_linearly

_CPU_SECONDS = 20
"""What takes milliseconds on any machine; a pattern that tries all readings takes years."""

RESPONSES = {
    "a list of numbers": "The answer is " + ", ".join(str(10 * n) for n in range(1, 21)) + ".",
    "the same number": "So " + "160, " * 60 + "which is it?",
    "numbers without blanks": "1," * 60 + ".",
    "numbers and tabs": "x = " + "\t160, \t" * 40 + "z",
    "fractions": "Thus x = " + "1/2, " * 60 + "or so",
    "money": "They cost " + "$5, " * 60 + "I think!",
    "bold items": "So " + "**a**, " * 60 + "and more?",
    "formulas": "So " + "$1=1$, " * 60 + "and?",
}

ANSWERS = {
    "letters and blanks": "A, " * 60 + "A!",
    "bracketed letters": "( A ) " * 60 + "!",
    "commands": "z" + "\\boxed" * 60 + "\0",
    "names": "f" + "\\alpha" * 60 + "!",
}

_PIECES = (
    "10, ", "1,", "A, ", "( ", "[", "{", "\\boxed{", "}", "$", "$1$", "$1=1$, ", "**", "**a**, ",
    "\n", "\t", "the ", "answer is ", "Answer: ", "= 1 ", "1/2 ", "^", "_", "\\frac{1}{2}", "\\(",
    "\\[", "\\text{", "and ", "or ", "not ", "(1,2), ", "选", "答案", "是", ". ", "?", "|",
    "<think>", "wait ", "x=1, ", "-", "π", "x^2+", "1 cm ", "twenty ", "if ", "\\\\", "[[A]]",
    "<answer>", "####", "\\pi", "\\left(", "$5", "3:45 ", "i.e. ",
    '{"answer": "', "}",
)  # fmt: skip


@contextmanager
def _bounded() -> Iterator[None]:
    """Fails what takes more CPU time than any machine needs for it."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"more than {_CPU_SECONDS} s of CPU time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, _CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _grade_in_every_way(response: str) -> None:
    """Grade a response in each way that leads to a verdict."""
    extract_answer(response)
    for options in ({}, {"A": "red apples", "B": "12"}):
        grade(response, Sample(index="", question="", answer="B", options=options))


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_a_response_is_graded_at_once(response: str) -> None:
    with _bounded():
        _grade_in_every_way(response)


@pytest.mark.parametrize("rule", ["choice", "math"])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_compared_at_once(answer: str, rule: str) -> None:
    with _bounded():
        assert not is_equivalent(answer, "B", rule=rule)


@pytest.mark.parametrize("seed", range(8))
def test_random_repetitions_are_graded_at_once(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(25):
        pieces = draw.sample(_PIECES, draw.choice((1, 2, 4)))
        text = "".join(draw.choice(pieces) for _ in range(draw.choice((25, 60, 300))))
        with _bounded():
            start = draw.choice(("So ", "x = ", "The answer is ", ""))
            _grade_in_every_way(start + text.rstrip(" ,") + ".")


@pytest.mark.parametrize("repeat", ["\n", "> \n", "Answer:\n", "the answer is "])
def test_lines_cost_what_they_are_long(repeat: str) -> None:
    work: Callable[[str], object] = extract_answer
    assert grows_linearly(work, lambda size: repeat * (size // len(repeat)) + "x", 16_000)
