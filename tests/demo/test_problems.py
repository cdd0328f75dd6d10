"""The demo's problems: always the same, answerable, and right."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racro_eval.demo.facts import CountFacts, ExpressionFacts, TriangleFacts
from racro_eval.demo.problems import SKILLS, Problem, make_problem, problem
from tests.demo.reading import solve

MANY = [problem(7, number) for number in range(2000)]


def check(made: Problem) -> None:
    """What holds for every problem, from its texts alone."""
    value = solve(made.caption, made.question)
    assert made.value == value
    if made.options:
        assert list(made.options) == ["A", "B", "C", "D"]
        assert len(set(made.options.values())) == 4
        assert made.options[made.answer] == value
    else:
        assert made.answer == value
    if value.isdigit():
        assert all(text.isdigit() for text in made.options.values()), "none is negative"
    else:
        assert made.options, "which bar is always a choice"


@given(st.integers(0, 2**40), st.integers(0, 10**6))
def test_answers_and_options_are_right(seed: int, number: int) -> None:
    made = problem(seed, number)
    assert made.skill == SKILLS[number % 4]
    check(made)
    assert problem(seed, number) == made


def test_two_thousand_of_them() -> None:
    for made in MANY:
        check(made)
    assert Counter(made.skill for made in MANY) == dict.fromkeys(SKILLS, 500)


def test_a_training_stream_goes_on() -> None:
    rng = random.Random(2000)
    stream = [make_problem(rng.choice(SKILLS), rng) for _ in range(50)]
    for made in stream:
        check(made)
    assert len({(made.question, made.caption) for made in stream}) > 40
    again = random.Random(2000)
    assert [make_problem(again.choice(SKILLS), again) for _ in range(50)] == stream


def test_a_third_of_the_number_problems_have_options() -> None:
    numbers = [made for made in MANY if made.value.isdigit()]
    share = sum(bool(made.options) for made in numbers) / len(numbers)
    assert 0.31 < share < 0.39


def test_the_right_option_can_be_at_any_place() -> None:
    letters = Counter(made.answer for made in MANY if made.options)
    assert set(letters) == set("ABCD")
    assert min(letters.values()) > 0.18 * sum(letters.values())


@pytest.mark.parametrize(
    ("skill", "wordings"),
    [
        (
            "bars",
            {
                "What is the sum of the largest and the smallest bar?",
                "What is the difference between the largest and the smallest bar?",
                "What is the total of all bars?",
                "Add up all the bars.",
                "Which bar is the largest?",
                "Which bar is the smallest?",
            },
        ),
        (
            "expr",
            {"What is the value of the expression?", "Calculate the expression in the image."},
        ),
        ("tri", {"What is the value of x in degrees?", "Find the angle x in the triangle."}),
    ],
)
def test_wordings(skill: str, wordings: set[str]) -> None:
    assert {made.question for made in MANY if made.skill == skill} == wordings


def test_wordings_of_counting() -> None:
    things = ["circles", "squares", "triangles"]
    things += [f"{colour} shapes" for colour in ("red", "green", "blue", "orange")]
    assert {made.question for made in MANY if made.skill == "count"} == {
        question
        for thing in things
        for question in (f"How many {thing} are in the picture?", f"Count the {thing}.")
    }


def test_shapes_are_three_to_nine_in_two_or_three_colours() -> None:
    all_facts = [made.facts for made in MANY if isinstance(made.facts, CountFacts)]
    assert {len(facts.shapes) for facts in all_facts} == set(range(3, 10))
    colours = {len({shape.colour for shape in facts.shapes}) for facts in all_facts}
    assert colours == {2, 3}
    assert all(facts.asked in facts.labels for facts in all_facts)


def test_expressions_are_of_four_forms_and_stand_anywhere() -> None:
    all_facts = [made.facts for made in MANY if isinstance(made.facts, ExpressionFacts)]
    forms = Counter(facts.operators for facts in all_facts)
    assert set(forms) == {("+", "x"), ("x", "+"), ("x", "-"), ("+", "-")}
    assert {facts.row for facts in all_facts} == {0, 1, 2, 3}
    assert {facts.slot + len(facts.text) for facts in all_facts} == set(range(5, 9))
    assert min(int(facts.value) for facts in all_facts) >= 0


def test_the_steps_of_an_expression_put_times_first() -> None:
    facts = ExpressionFacts((7, 5, 2), ("+", "x"), 0, 0)
    assert facts.steps == ((5, "x", 2, 10), (7, "+", 10, 17))
    facts = ExpressionFacts((5, 2, 7), ("x", "-"), 0, 0)
    assert facts.steps == ((5, "x", 2, 10), (10, "-", 7, 3))


def test_triangles_are_triangles() -> None:
    for made in MANY:
        if isinstance(made.facts, TriangleFacts):
            angles = (*made.facts.angles, int(made.value))
            assert sum(angles) == 180
            assert min(angles) >= 20
            assert all(angle % 5 == 0 and angle <= 90 for angle in made.facts.angles)
