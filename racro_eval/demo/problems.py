"""The problems of the built-in benchmark `Demo`: four skills, any number of problems.

| skill | the picture shows          | a question, and its answer                             |
|-------|----------------------------|--------------------------------------------------------|
| count | 3 to 9 coloured shapes     | How many red shapes are in the picture? 2              |
| bars  | K=14, R=7, T=12, M=3       | What is the total of all bars? 36                      |
| expr  | 7+5x2                      | Calculate the expression in the image. 17              |
| tri   | angles 50, 65 and x        | What is the value of x in degrees? 65                  |

A problem is a function of its seed and number, so the benchmark needs no file: `problem(10000000,
7)` is the same on every machine. It is easy for a person and, without the picture, a guess.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from racro_eval.demo import pictures
from racro_eval.demo.facts import (
    Asked,
    BarsFacts,
    Colour,
    CountFacts,
    ExpressionFacts,
    Facts,
    Kind,
    Shape,
    TriangleFacts,
)

if TYPE_CHECKING:
    from PIL.Image import Image

Skill = Literal["count", "bars", "expr", "tri"]
SKILLS: tuple[Skill, ...] = get_args(Skill)
COLOURS: tuple[Colour, ...] = get_args(Colour)
KINDS: tuple[Kind, ...] = get_args(Kind)
NAMES = "KMPRST"
"""The names of bars."""

OPTIONS_SHARE = 0.35
"""The share of multiple choice among the problems with a numeric answer."""
_DISTANCES = (-10, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 10)
"""The differences between wrong options and the value."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem.

    question: without options and without any hint.
    options: letter → text; empty for a free-form problem.
    answer: the letter of the right option, else the value.
    caption: what the question needs of the picture, and no more.
    facts: the content of picture and question (`facts.py`).
    """

    skill: Skill
    question: str
    options: Mapping[str, str]
    answer: str
    caption: str
    facts: Facts

    @property
    def value(self) -> str:
        """The answer as text, whether or not it is an option: a number or a bar's name."""
        return self.facts.value


def problem(seed: int, number: int) -> Problem:
    """Problem `number` of the benchmark of this seed; its skill is `number` modulo 4.

    Its random stream has the seed `seed + number`, so two seeds whose difference is less than the
    number of problems have problems in common.
    """
    return make_problem(SKILLS[number % len(SKILLS)], random.Random(seed + number))


def make_problem(skill: Skill, rng: random.Random) -> Problem:
    """A problem of a skill from a random stream; training takes many from one stream."""
    question, facts = _MAKERS[skill](rng)
    options: dict[str, str] = {}
    answer = facts.value
    if isinstance(facts, BarsFacts) and not answer.isdigit():
        options = dict(zip(string.ascii_uppercase, facts.names, strict=False))
    elif rng.random() < OPTIONS_SHARE:
        options = _number_options(int(answer), rng)
    for letter, text in options.items():
        if text == facts.value:
            answer = letter
    return Problem(skill, question, options, answer, facts.caption, facts)


def render(problem: Problem) -> Image:
    """The problem's picture, 112x112 pixels, RGB."""
    return pictures.draw(problem.facts)


def picture_bytes(problem: Problem) -> bytes:
    """The problem's picture as a PNG, the same bytes on every machine."""
    return pictures.png(render(problem))


def _number_options(value: int, rng: random.Random) -> dict[str, str]:
    """Four different numbers of at least 0, in random order; one of them is the value."""
    wrong = [value + distance for distance in _DISTANCES if value + distance >= 0]
    numbers = [value, *rng.sample(wrong, 3)]
    rng.shuffle(numbers)
    return dict(zip(string.ascii_uppercase, map(str, numbers), strict=False))


def _count(rng: random.Random) -> tuple[str, CountFacts]:
    palette = rng.sample(COLOURS, rng.randint(2, 3))
    colours = palette + rng.choices(palette, k=rng.randint(3, 9) - len(palette))
    rng.shuffle(colours)
    shapes = tuple(Shape(rng.choice(KINDS), colour) for colour in colours)
    shape = rng.choice(shapes)
    facts = rng.choice(
        (CountFacts(shapes, "colour", shape.colour), CountFacts(shapes, "kind", shape.kind))
    )
    what = f"{facts.asked} shapes" if facts.by == "colour" else f"{facts.asked}s"
    return rng.choice((f"How many {what} are in the picture?", f"Count the {what}.")), facts


def _bars(rng: random.Random) -> tuple[str, BarsFacts]:
    names = tuple(rng.sample(NAMES, 4))
    values = tuple(rng.sample(range(1, pictures.LARGEST_BAR + 1), 4))
    extreme: Asked = rng.choice(("largest", "smallest"))
    questions: dict[str, Asked] = {
        "What is the sum of the largest and the smallest bar?": "sum",
        "What is the difference between the largest and the smallest bar?": "difference",
        "What is the total of all bars?": "total",
        "Add up all the bars.": "total",
        f"Which bar is the {extreme}?": extreme,
    }
    question = rng.choice(list(questions))
    return question, BarsFacts(names, values, questions[question])


def _expression(rng: random.Random) -> tuple[str, ExpressionFacts]:
    a, b, c = rng.randint(1, 20), rng.randint(2, 9), rng.randint(2, 9)
    numbers, operators = rng.choice(
        [
            ((a, b, c), ("+", "x")),
            ((b, c, a), ("x", "+")),
            *([((b, c, a), ("x", "-"))] if b * c >= a else []),
            *([((a, b, c), ("+", "-"))] if a + b >= c else []),
        ]
    )
    length = len(ExpressionFacts(numbers, operators, 0, 0).text)
    row, slot = rng.randrange(pictures.ROWS), rng.randint(0, pictures.SLOTS - length)
    question = rng.choice(
        ("What is the value of the expression?", "Calculate the expression in the image.")
    )
    return question, ExpressionFacts(numbers, operators, row, slot)


def _triangle(rng: random.Random) -> tuple[str, TriangleFacts]:
    first = rng.randrange(20, 91, 5)
    second = rng.randrange(20, min(90, 180 - 20 - first) + 1, 5)
    apex = pictures.SIZE // 2 + rng.randint(-6, 6)
    # the label is on the same side of the middle as the apex
    slot = 2 if apex < pictures.SIZE // 2 else 4
    question = rng.choice(
        ("What is the value of x in degrees?", "Find the angle x in the triangle.")
    )
    return question, TriangleFacts((first, second), apex, slot)


_MAKERS: dict[Skill, Callable[[random.Random], tuple[str, Facts]]] = {
    "count": _count,
    "bars": _bars,
    "expr": _expression,
    "tri": _triangle,
}
