"""Small conversions of nodes for a comparison: scaling, units, ratios, brackets."""

from __future__ import annotations

import re
from fractions import Fraction

from racro_eval.grading.comparison.nodes import Expression, Group, Joined, Node
from racro_eval.grading.comparison.units import Unit, split_unit


def scaled(node: Node, factor: Fraction) -> Node | None:
    """A formula times `factor`; None for anything else."""
    if not isinstance(node, Expression):
        return None
    return Expression(rf"\frac{{({node.text})*{factor.numerator}}}{{{factor.denominator}}}")


def split_letter_unit(node: Node, other: Unit) -> tuple[Node, Unit | None]:
    """Split `2h`, which reads as a product, into value and unit if `other` is of that dimension."""
    match = (
        re.fullmatch(r"(.*\d)([a-zA-Z]{1,2})", node.text) if isinstance(node, Expression) else None
    )
    split = split_unit(f"{match[1]} {match[2]}") if match else None
    if split is None or other.dimension is None or split[1].dimension != other.dimension:
        return node, None
    return Expression(split[0]), split[1]


def without_unit(node: Node, unit: Unit | None) -> Node:
    """Remove the letters of a unit: `0.64N` reads as a product, unless the other side is in N."""
    if unit is not None and isinstance(node, Expression):
        return Expression(node.text.removesuffix(unit.name))
    return node


def as_fraction(node: Node) -> Expression | None:
    """A formula as it is, a ratio of two formulas as a fraction; None for other nodes."""
    if isinstance(node, Expression):
        return node
    if isinstance(node, Joined) and node.operator == ":" and len(node.items) == 2:
        top, bottom = node.items
        if isinstance(top, Expression) and isinstance(bottom, Expression):
            return Expression(rf"\frac{{{top.text}}}{{{bottom.text}}}")
    return None


def same_unknown_unit(left: Unit, right: Unit) -> bool:
    """Whether two units that are in no table are the same word: `apple`, `apples`."""
    names = [unit.name.lower().rstrip("s") for unit in (left, right)]
    return names[0].startswith(names[1]) or names[1].startswith(names[0])


def same_brackets(left: Group, right: Group) -> bool:
    """Whether the brackets of two groups agree. Those of more than two items do not matter."""
    if "list" in (left.kind, right.kind):
        return set(left.brackets + right.brackets) <= set("()⟨⟩[]")
    styles = [group.brackets.replace("⟨", "(").replace("⟩", ")") for group in (left, right)]
    return styles[0] == styles[1] or (
        len(left.items) > 2 and all(style in ("()", "[]") for style in styles)
    )
