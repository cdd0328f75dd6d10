"""The content of a demo problem as typed data.

Everything else follows from these facts: the value that answers the question, the caption with all
that a reasoner needs, the pixels (`pictures.py`) and the texts for training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Colour = Literal["red", "green", "blue", "orange"]
Kind = Literal["circle", "square", "triangle"]
Asked = Literal["sum", "difference", "total", "largest", "smallest"]
"""Questions about bars; sum and difference are of the largest and the smallest bar."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One drawn shape."""

    kind: Kind
    colour: Colour


@dataclass(frozen=True, slots=True)
class CountFacts:
    """Some shapes, with the question how many have a certain colour or kind.

    shapes: in reading order, one per cell, from the first cell.
    asked: the colour or the kind in question, of at least one shape.
    """

    shapes: tuple[Shape, ...]
    by: Literal["colour", "kind"]
    asked: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The colour of every shape if the question is about a colour, else its kind."""
        return tuple(shape.colour if self.by == "colour" else shape.kind for shape in self.shapes)

    @property
    def value(self) -> str:
        return str(self.labels.count(self.asked))

    @property
    def caption(self) -> str:
        """Only what the question needs: colours or kinds, not both."""
        return f"The shapes are {', '.join(self.labels)}."


@dataclass(frozen=True, slots=True)
class BarsFacts:
    """A chart of four bars. names, values: from left to right; the values are distinct."""

    names: tuple[str, ...]
    values: tuple[int, ...]
    asked: Asked

    @property
    def value(self) -> str:
        """A number as text, or for largest and smallest the name of a bar."""
        low, high = min(self.values), max(self.values)
        match self.asked:
            case "sum":
                return str(high + low)
            case "difference":
                return str(high - low)
            case "total":
                return str(sum(self.values))
            case "largest":
                return self.names[self.values.index(high)]
            case "smallest":
                return self.names[self.values.index(low)]

    @property
    def caption(self) -> str:
        bars = zip(self.names, self.values, strict=True)
        return f"The bar chart shows {', '.join(f'{name}={value}' for name, value in bars)}."


@dataclass(frozen=True, slots=True)
class ExpressionFacts:
    """Three numbers joined by two of the operators `+`, `-` and `x` (times).

    row, slot: where the text starts in the picture (see `pictures.py`).
    """

    numbers: tuple[int, int, int]
    operators: tuple[str, str]
    row: int
    slot: int

    @property
    def text(self) -> str:
        """The expression as it is drawn, without blanks: `7+5x2`."""
        a, b, c = self.numbers
        first, second = self.operators
        return f"{a}{first}{b}{second}{c}"

    @property
    def steps(self) -> tuple[tuple[int, str, int, int], tuple[int, str, int, int]]:
        """The two calculations in order, as (left, operator, right, result); times comes first."""
        a, b, c = self.numbers
        first, second = self.operators
        if second == "x":
            product = _apply(b, second, c)
            return (b, second, c, product), (a, first, product, _apply(a, first, product))
        left = _apply(a, first, b)
        return (a, first, b, left), (left, second, c, _apply(left, second, c))

    @property
    def value(self) -> str:
        return str(self.steps[-1][-1])

    @property
    def caption(self) -> str:
        return f"The image shows the expression {self.text}."


@dataclass(frozen=True, slots=True)
class TriangleFacts:
    """A triangle with two known angles, in degrees: at the apex and at the left of the base.

    The third, at the right of the base, is x. The drawing is not to scale.
    apex: the apex's x coordinate in pixels. slot: where the apex's label starts (`pictures.py`).
    """

    angles: tuple[int, int]
    apex: int
    slot: int

    @property
    def labels(self) -> tuple[str, str, str]:
        """In reading order: apex, left, right."""
        return str(self.angles[0]), str(self.angles[1]), "x"

    @property
    def value(self) -> str:
        return str(180 - sum(self.angles))

    @property
    def caption(self) -> str:
        return f"The triangle has angles {','.join(self.labels)}."


Facts = CountFacts | BarsFacts | ExpressionFacts | TriangleFacts


def _apply(left: int, operator: str, right: int) -> int:
    return {"+": left + right, "-": left - right, "x": left * right}[operator]
