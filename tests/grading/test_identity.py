"""Formulas compared by their values at points, within a budget."""

from __future__ import annotations

import threading
from fractions import Fraction

import pytest

from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.maths.identity import (
    Outcome,
    constant_value,
    same_function,
    same_up_to_factor,
)
from racro_eval.grading.maths.numeric import TooBig
from racro_eval.grading.maths.syntax import read_formula
from racro_eval.grading.maths.terms import Term
from racro_eval.grading.maths.tokens import NeedsAlgebra, NotFormula


def read(text: str) -> Term:
    return read_formula(normalize(text))


@pytest.mark.parametrize(
    ("left", "right", "answer"),
    [
        ("x+1", r"\frac{x^2-1}{x-1}", Outcome.same),
        (r"\sqrt{8}-2\sqrt{2}", "0", Outcome.same),
        (r"\sqrt{x^2}", "x", Outcome.different),
        (r"\sqrt{1/n}", r"\frac{1}{\sqrt{n}}", Outcome.same),
        (r"e^{\pi\sqrt{163}}", "640320^3+744", Outcome.different),
        (r"\frac{1}{2004!}", r"\frac{1}{2006!}", Outcome.different),
        (r"\sum_{i=1}^{n} i^2", r"\frac{n(n+1)(2n+1)}{6}", Outcome.same),
        (r"\prod_{k=1}^{4} k", "24", Outcome.same),
        ("(-1)^{2n}", "1", Outcome.same),
        ("f(x)+1", "1+f(x)", Outcome.same),
        ("f(x)", "g(x)", Outcome.different),
        ("(-8)^{1/3}", "-2", Outcome.same),
        (r"\lceil 2.1 \rceil + \min(3, 1)", "4", Outcome.same),
        (r"\frac{1}{0}", "1", Outcome.unknown),
        (r"\sinh x + \cosh x", "e^x", Outcome.same),
        (r"\cot x \tan x", r"\sec x \cos x", Outcome.same),
    ],
)
def test_same_function(left: str, right: str, answer: Outcome) -> None:
    assert same_function(read(left), read(right)) is answer


@pytest.mark.parametrize(
    "text",
    [
        r"\sin(10^{10^{10}})", "9^{9^{9^9}}", "99999999!", r"\prod_{k=1}^{99999999} k",
        r"\binom{99999999}{4999999}", r"e^{e^{e^{e^e}}}", r"\cos(\pi^{10^{6}})",
    ],
)  # fmt: skip
def test_too_big_is_said_and_not_tried(text: str) -> None:
    with pytest.raises(TooBig):
        same_function(read(text), read("42"))


def test_a_summand_that_is_lost_proves_nothing() -> None:
    with pytest.raises(TooBig):
        same_function(read("2^{100000}+1"), read("2^{100000}"))


def test_factors() -> None:
    assert same_up_to_factor(read("2x-2y"), read("x-y")) is Outcome.same
    assert same_up_to_factor(read("x-1"), read("1-x")) is Outcome.opposite
    assert same_up_to_factor(read("x-1"), read("x+1")) is Outcome.different
    assert same_up_to_factor(read("0"), read("x")) is Outcome.unknown


def test_constants() -> None:
    value = constant_value(read(r"\sqrt{2}"))
    assert value is not None and abs(value**2 - 2) < Fraction(1, 10**40)
    assert constant_value(read("x")) is None
    assert constant_value(read(r"\sqrt{-1}")) is None
    assert constant_value(read(r"\frac{1}{0}")) is None


@pytest.mark.parametrize("text", ["12+", "1 5", "x2", r"\frac{12", r"\unknown{2}", "(" * 95 + "x"])
def test_what_is_no_formula(text: str) -> None:
    with pytest.raises(NotFormula):
        read_formula(text)


def test_what_only_a_cas_could_tell() -> None:
    for text in (r"\int_0^1 x dx", r"\lim_{x \to 0} x", r"\sum_{k=1}^{\infty} \frac{1}{k^2}"):
        with pytest.raises(NeedsAlgebra):
            read(text)


def test_threads_do_not_share_precision() -> None:
    answers: list[Outcome] = []

    def work() -> None:
        for _ in range(20):
            answers.append(same_function(read(r"\sqrt{8}-2\sqrt{2}"), read("0")))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {Outcome.same}
