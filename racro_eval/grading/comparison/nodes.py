"""The typed tree that an answer is read into: what the comparison works on."""

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
    text: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with a unit; "%" is a unit of its own here."""

    value: Node
    unit: Unit | None
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """One item or more. kind: "list" (bare), "set", or "bracket" with its two brackets."""

    kind: str
    items: tuple[Node, ...]
    brackets: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """`left op right`; a chain a < x < b keeps all its parts."""

    parts: tuple[str, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Sets or intervals joined by \\cup or \\cap, or the terms of a ratio."""

    operator: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Based:
    """An integer with its base written as an index."""

    digits: str
    base: str


Node: TypeAlias = (
    Expression | Words | Quantity | Group | Relation | Joined | Matrix | Based | Clock | Date
)
