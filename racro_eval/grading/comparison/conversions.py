"""Small steps of a comparison: scaling, units read off a product, brackets that decorate."""

from __future__ import annotations

import re
from fractions import Fraction

from racro_eval.grading.comparison.nodes import Expression, Group, Joined, Node
from racro_eval.grading.comparison.units import Unit, split_unit


def times(node: Node, factor: Fraction) -> Node | None:
    """A formula times `factor`; None for anything else."""
    if not isinstance(node, Expression):
        return None
    return Expression(rf"\frac{{({node.text})*{factor.numerator}}}{{{factor.denominator}}}")


def with_letters(node: Node, other: Unit) -> tuple[Node, Unit | None]:
    """`2h` reads as a product; beside a quantity in hours it is one too."""
    match = (
        re.fullmatch(r"(.*\d)([a-zA-Z]{1,2})", node.text) if isinstance(node, Expression) else None
    )
    split = split_unit(f"{match[1]} {match[2]}") if match else None
    if split is None or other.dimension is None or split[1].dimension != other.dimension:
        return node, None
    return Expression(split[0]), split[1]


def without(node: Node, unit: Unit | None) -> Node:
    """`0.64N` reads as a product; beside a quantity in N it is one too."""
    if unit is not None and isinstance(node, Expression):
        return Expression(node.text.removesuffix(unit.name))
    return node


def fraction(node: Node) -> Expression | None:
    """A formula, or a ratio of two as a fraction."""
    if isinstance(node, Expression):
        return node
    if isinstance(node, Joined) and node.operator == ":" and len(node.items) == 2:
        top, bottom = node.items
        if isinstance(top, Expression) and isinstance(bottom, Expression):
            return Expression(rf"\frac{{{top.text}}}{{{bottom.text}}}")
    return None


def same_unknown(one: Unit, two: Unit) -> bool:
    """Whether two units that are in no table are one word: `apple`, `apples`."""
    names = [unit.name.lower().rstrip("s") for unit in (one, two)]
    return names[0].startswith(names[1]) or names[1].startswith(names[0])


def same_brackets(left: Group, right: Group) -> bool:
    """The brackets of two items may make an interval; of more they are decoration."""
    if "list" in (left.kind, right.kind):
        return set(left.brackets + right.brackets) <= set("()⟨⟩[]")
    styles = [group.brackets.replace("⟨", "(").replace("⟩", ")") for group in (left, right)]
    return styles[0] == styles[1] or (
        len(left.items) > 2 and all(style in ("()", "[]") for style in styles)
    )
