"""What a relation states: the value of a name, or the range of a variable."""

from __future__ import annotations

import re
from dataclasses import dataclass

from racro_eval.grading.comparison.nodes import Group, Joined, Node, Relation
from racro_eval.grading.comparison.structure import parse
from racro_eval.grading.maths.rationals import rational

_NAME = re.compile(
    r"(?:\\(?!(?:sin|cos|tan|cot|sec|csc|log|ln|exp|sqrt|lim|sum|int|begin|pi|infty|binom)"
    r"(?![a-zA-Z]))[a-zA-Z]++|[A-Za-z]|_\{[^{}]*\}|\^\{-1\}(?=\()|[(){},|':\s])+"
)
_FUNCTION_OF_X = re.compile(r"[a-z]\([a-z]\)|y")
# An expression whose value a question may ask for: f(2), P(A or B), a+b, xy, x^{2}+y^{2}, \lim ...
_VALUE_OF = re.compile(
    r"\\?[a-zA-Z]+(?:'|_\{\w+\})?\([^()=<>]+\)|\\(?:lim|sum|int|prod)(?![a-zA-Z]).*"
)
_COMBINATION = re.compile(r"(?:[a-zA-Z](?:_\{\d\})?|\^\{\d\}|[-+*/(){}]|\\frac)+")
_FUNCTION_OF_ANGLE = re.compile(
    r"\\(?:sin|cos|tan)\s*\(?(?:\\angle\s*)?(?:[A-Z]{1,3}|\\(?:alpha|beta|gamma|theta))\)?"
)
_CONSTANT = re.compile(r"(?:\\[a-zA-Z]+|[^a-zA-Z\\])+")
_REVERSED = {">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Assignment:
    """`name = value`; the name of a chain of equal constants such as `\\sqrt{4} = 2` is ""."""

    name: str
    value: str


def is_name(text: str) -> bool:
    """Whether `text` is only a name: `x`, `a_{n}`, `f(x)`, `\\angle APC`, `(p,q)`, `|AB|`."""
    return bool(text.strip()) and bool(_NAME.fullmatch(text)) and any(c.isalpha() for c in text)


def requested_value(relation: Relation, *, gold: bool) -> str:
    """The value in `f(2) = 9` or `a+b = 9`, whose left side is what the question asks for; else "".

    `x+1 = 9` is an equation to be solved. A gold `a+b = 9` may be the equation of a line, so that
    it has no such value either.
    """
    requested, value = relation.parts[0], relation.parts[-1]
    if set(relation.operators) != {"="} or not _CONSTANT.fullmatch(value):
        return ""
    if _VALUE_OF.fullmatch(requested):
        return value
    letters = set(re.findall(r"[a-zA-Z]", requested.replace(r"\frac", "")))
    combined = len(letters) > 1 and _COMBINATION.fullmatch(requested)
    return value if combined and not gold else ""


def same_name(left: str, right: str) -> bool:
    """Whether two names mean the same; `y` and `f(x)` may."""
    plain = [re.sub(r"\s|\\angle|\\triangle", "", name) for name in (left, right)]
    if plain[0] == plain[1]:
        return True
    return all(_FUNCTION_OF_X.fullmatch(name) for name in plain) and "y" in plain


def assignment(relation: Relation) -> Assignment | None:
    """Read `x = 5+6 = 11`, `x \\approx 11`, `x \\in S`, `\\sqrt{4} = 2`; None for equations."""
    parts, operators = relation.parts, relation.operators
    if operators[0] == r"\in" and len(parts) == 2:
        return Assignment(parts[0], parts[1])
    if not set(operators) <= {"=", "≈"}:
        return None
    named = is_name(parts[0]) or bool(_FUNCTION_OF_ANGLE.fullmatch(parts[0]))
    # The side after ≈ is only a rounded form of the side before it, unless that is a name.
    exact = operators.index("≈") + 1 if "≈" in operators else len(parts)
    kept = parts[: max(exact, 1 + named)]
    if named:
        return Assignment(parts[0], kept[-1])
    if len(parts) == 2 and is_name(parts[1]) and operators[0] == "=":
        return Assignment(parts[1], parts[0])
    if len(kept) == 1 or all(_CONSTANT.fullmatch(part) for part in kept):
        return Assignment("", kept[-1])
    return None


def interval(relation: Relation) -> Node | None:
    """The interval that `a <= x < b` or `x > a` describes; None for other relations."""
    parts, operators = relation.parts, relation.operators
    if not set(operators) <= {"<", "<=", ">", ">="}:
        return None
    if operators[0] in _REVERSED:
        parts = parts[::-1]
        if not all(op in _REVERSED for op in operators):
            return None
        operators = tuple(_REVERSED[op] for op in reversed(operators))
    elif not set(operators) <= {"<", "<="}:
        return None
    size = re.fullmatch(r"\|([^|]+)\|", parts[0]) if len(parts) == 2 else None
    if size and is_name(size[1]):
        parts, operators = (f"-({parts[1]})", size[1], parts[1]), operators * 2
    if len(parts) == 2 and any("|" in part for part in parts):
        return None
    if len(parts) == 3 and is_name(parts[1]):
        low, high = parts[0], parts[2]
        left, right = "[" if operators[0] == "<=" else "(", "]" if operators[1] == "<=" else ")"
    elif len(parts) == 2 and is_name(parts[0]) and not is_name(parts[1]):
        low, high, left, right = r"-\infty", parts[1], "(", "]" if operators[0] == "<=" else ")"
    elif len(parts) == 2 and is_name(parts[1]) and not is_name(parts[0]):
        low, high, left, right = parts[0], r"\infty", "[" if operators[0] == "<=" else "(", ")"
    else:
        return None
    return Group("bracket", (parse(low), parse(high)), left + right)


def only_numbers(first: Assignment, second: Assignment) -> bool:
    """Whether both assign a number to a variable: then different names are different answers."""
    return all(
        is_name(a.name) and len(a.name) == 1 and rational(a.value) is not None
        for a in (first, second)
    )


def range_of(relation: Relation) -> Node | None:
    """The set of values that `x \\in S` or an inequality allows; None for other relations."""
    if relation.operators == (r"\in",):
        return parse(relation.parts[1])
    return interval(relation)


def variable_of(relation: Relation) -> str:
    """The first side that is a name; "" if there is none."""
    return next((part.strip("|") for part in relation.parts if is_name(part)), "")


def union_of(node: Node) -> Node:
    """`x < 0 or x > 2` as a union of intervals; other nodes unchanged."""
    if isinstance(node, Group) and node.kind == "list":
        ranges = [interval(i) if isinstance(i, Relation) else None for i in node.items]
        intervals = tuple(item for item in ranges if item is not None)
        if len(intervals) == len(ranges):
            return Joined(r"\cup", intervals)
    return node
