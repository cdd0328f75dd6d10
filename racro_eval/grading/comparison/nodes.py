"""The typed tree of an answer. The names of the classes appear in the methods of verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from racro_eval.grading.comparison.times import Clock, Date
from racro_eval.grading.comparison.units import Unit


@dataclass(frozen=True, slots=True)
class Expression:
    """A number or formula, as normalised LaTeX."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """An answer in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with a unit, or a percentage, which has no unit."""

    value: Node
    unit: Unit | None
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """One or more items.

    kind: "list" (without brackets), "set", "signs" (both values of `1 \\pm 2`), or "bracket" with
    its two brackets.
    """

    kind: str
    items: tuple[Node, ...]
    brackets: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """Two or more sides with operators between them: `x = 2`, `a < x < b`."""

    parts: tuple[str, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Sets or intervals joined by `\\cup` or `\\cap`, or the terms of a ratio, joined by `:`."""

    operator: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The rows of a matrix."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Based:
    """An integer whose base is its index: `101_{2}`."""

    digits: str
    base: str


Node: TypeAlias = (
    Expression | Words | Quantity | Group | Relation | Joined | Matrix | Based | Clock | Date
)
