"""Compares the trees of two answers by the table of docs/scoring.md."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from racro_eval.grading.comparison.conversions import (
    as_fraction,
    same_brackets,
    same_unknown_unit,
    scaled,
    split_letter_unit,
    without_unit,
)
from racro_eval.grading.comparison.nodes import (
    Based,
    Expression,
    Group,
    Joined,
    Matrix,
    Node,
    Quantity,
    Relation,
    Words,
)
from racro_eval.grading.comparison.relations import (
    assignment,
    interval,
    only_numbers,
    range_of,
    requested_value,
    same_name,
    union_of,
    variable_of,
)
from racro_eval.grading.comparison.structure import parse
from racro_eval.grading.comparison.times import Clock, Date
from racro_eval.grading.comparison.units import Unit
from racro_eval.grading.comparison.words import same_words
from racro_eval.grading.maths.formulas import Formulas
from racro_eval.grading.rules import AnswerRule

_REALS = Group("bracket", (Expression(r"-\infty"), Expression(r"\infty")), "()")


class Comparer:
    """One comparison: `same` recurses over the trees; `method` names the step that decided."""

    def __init__(self, rule: AnswerRule) -> None:
        self._formulas = Formulas(rule)
        self.method = "string"

    def same(self, left: Node, right: Node) -> bool:
        """Whether the prediction `left` equals the gold `right`; may raise WorkerTimeout."""
        if left == right:
            self.method = "string"
            return True
        for kind, comparison in (
            (Relation, self._relations),
            (Quantity, self._quantities),
            (Clock, self._clocks),
            (Date, self._dates),
            (Joined, self._joined),
            (Group, self._groups),
            (Matrix, self._matrices),
            (Based, self._bases),
        ):
            if isinstance(left, kind) or isinstance(right, kind):
                self.method = kind.__name__.lower()
                return comparison(left, right)
        assert isinstance(left, Expression | Words) and isinstance(right, Expression | Words)
        if isinstance(left, Words) or isinstance(right, Words):
            self.method = "text"
            return same_words(left.text, right.text)
        equal = self._formulas.same(left.text, right.text)
        self.method = self._formulas.method
        return equal

    def _relations(self, left: Node, right: Node) -> bool:
        if isinstance(left, Relation) and isinstance(right, Relation):
            return self._two_relations(left, right)
        relation, other = (left, right) if isinstance(left, Relation) else (right, left)
        assert isinstance(relation, Relation)
        value: Node | None = None
        assigned = assignment(relation)
        if assigned is not None:
            # One side is not the answer if the gold answer is an equation between formulas.
            if not assigned.name and relation is right and "≈" not in relation.operators:
                return False
            value = parse(assigned.value)
        elif requested := requested_value(relation, gold=relation is right):
            value = parse(requested)
        elif relation is left and self._identity(relation):
            value = parse(relation.parts[-1])
        elif isinstance(other, Group | Joined):
            value = interval(relation)
        if value is None:
            return False
        return self.same(value, right) if relation is left else self.same(left, value)

    def _identity(self, relation: Relation) -> bool:
        """Whether a chain of transformations has the same formula at both ends."""
        first, last = (parse(relation.parts[end]) for end in (0, -1))
        return set(relation.operators) == {"="} and self.same(first, last)

    def _two_relations(self, left: Relation, right: Relation) -> bool:
        first, second = assignment(left), assignment(right)
        if first is not None and second is not None:
            if same_name(first.name, second.name):
                return self.same(parse(first.value), parse(second.value))
            if only_numbers(first, second):
                return False
        ranges = range_of(left), range_of(right)
        if ranges[0] is not None and ranges[1] is not None:
            same_variable = variable_of(left) == variable_of(right)
            return same_variable and self.same(ranges[0], ranges[1])
        return self._proportional(left, right)

    def _proportional(self, left: Relation, right: Relation) -> bool:
        """Compare equations up to a factor, and inequalities up to rearrangement."""
        if len(left.operators) != 1 or len(right.operators) != 1:
            return False
        first, second = (
            (relation.parts[0], relation.operators[0], relation.parts[1])
            for relation in (left, right)
        )
        equal = self._formulas.proportional(first, second)
        self.method = self._formulas.method
        return equal

    def _quantities(self, left: Node, right: Node) -> bool:
        values, units, percents = [], [], []
        for node in (left, right):
            measured = isinstance(node, Quantity)
            values.append(node.value if isinstance(node, Quantity) else node)
            units.append(node.unit if isinstance(node, Quantity) else None)
            percents.append(measured and isinstance(node, Quantity) and node.percent)
        if percents[0] != percents[1]:
            if any(unit is not None and unit.dimension for unit in units):
                return False  # 30% is not 30°
            return self._percent(values, percents[0])
        for at, other in ((0, units[1]), (1, units[0])):
            if units[at] is None and other is not None:
                values[at], units[at] = split_letter_unit(values[at], other)
        unit, gold_unit = units
        if unit is None:
            values[0] = without_unit(values[0], gold_unit)
        if gold_unit is None:
            values[1] = without_unit(values[1], unit)
        if unit is None or gold_unit is None or "" in (unit.dimension, gold_unit.dimension):
            return self.same(*values) or self._angle(values, units)
        if {unit.dimension, gold_unit.dimension} == {"angle", "radian"}:
            return self._angle(values, units)
        if unit.dimension is None or gold_unit.dimension is None:
            return same_unknown_unit(unit, gold_unit) and self.same(*values)
        if unit.dimension != gold_unit.dimension:
            return False
        if unit.factor == gold_unit.factor:
            return self.same(*values)
        converted = scaled(values[0], unit.factor / gold_unit.factor)
        return converted is not None and self.same(converted, values[1])

    def _percent(self, values: list[Node], left: bool) -> bool:
        """A percentage against a plain number: 25% equals both 25 and 0.25."""
        if self.same(*values):
            return True
        hundredth = scaled(values[0 if left else 1], Fraction(1, 100))
        if hundredth is None:
            return False
        return self.same(hundredth, values[1]) if left else self.same(values[0], hundredth)

    def _angle(self, values: list[Node], units: Sequence[Unit | None]) -> bool:
        """An angle in degrees against a multiple of π: 60° = π/3."""
        for degrees, radians in ((0, 1), (1, 0)):
            unit, bare = units[degrees], values[radians]
            other = units[radians]
            has_pi = isinstance(bare, Expression) and r"\pi" in bare.text
            in_radians = has_pi if other is None else other.dimension == "radian"
            if unit is not None and unit.dimension == "angle" and in_radians:
                converted = list(values)
                value = values[degrees]
                if isinstance(value, Expression):
                    converted[degrees] = Expression(rf"\frac{{({value.text})*\pi}}{{180}}")
                    return self.same(*converted)
        return False

    def _groups(self, left: Node, right: Node) -> bool:
        if _REALS in (left, right):
            return Expression(r"\mathbb{R}") in (left, right)
        for group, other in ((left, right), (right, left)):
            if isinstance(group, Group) and not isinstance(other, Group):
                if group.kind == "list" and isinstance(other, Expression | Quantity):
                    # "3/4 or 0.75" states one value twice.
                    return self._all_same(group.items, other, group is left)
                # Brackets around a single value have no meaning.
                single = len(group.items) == 1 and isinstance(other, Expression | Quantity)
                item = group.items[0]
                return single and (
                    self.same(item, right) if group is left else self.same(left, item)
                )
        assert isinstance(left, Group) and isinstance(right, Group)
        kinds = {left.kind, right.kind}
        if kinds == {"set", "bracket"} or kinds == {"signs", "bracket"}:
            return False
        if "bracket" in kinds:
            return same_brackets(left, right) and self._ordered(left.items, right.items)
        solutions = all(isinstance(item, Group) for item in (*left.items, *right.items))
        distinct = solutions or "set" in kinds
        return self._unordered(left.items, right.items, distinct=distinct)

    def _all_same(self, items: Sequence[Node], other: Node, is_left: bool) -> bool:
        return all(self.same(i, other) if is_left else self.same(other, i) for i in items)

    def _ordered(self, left: Sequence[Node], right: Sequence[Node]) -> bool:
        if len(left) != len(right):
            return False
        return all(self.same(a, b) for a, b in zip(left, right, strict=True))

    def _unordered(self, left: Sequence[Node], right: Sequence[Node], *, distinct: bool) -> bool:
        if distinct:
            return all(any(self.same(a, b) for b in right) for a in left) and all(
                any(self.same(a, b) for a in left) for b in right
            )
        if len(left) != len(right):
            return False
        unmatched = list(right)
        for item in left:
            match = next((gold for gold in unmatched if self.same(item, gold)), None)
            if match is None:
                return False
            unmatched.remove(match)
        return True

    def _joined(self, left: Node, right: Node) -> bool:
        left, right = union_of(left), union_of(right)
        if isinstance(left, Joined) and isinstance(right, Joined):
            if left.operator != right.operator:
                return False
            if left.operator == ":":
                return self._ratios(left, right)
            return self._unordered(left.items, right.items, distinct=True)
        ratios = [as_fraction(node) for node in (left, right)]
        return ratios[0] is not None and ratios[1] is not None and self.same(*ratios)  # type: ignore[arg-type]

    def _ratios(self, left: Joined, right: Joined) -> bool:
        texts = [
            [i.text for i in node.items if isinstance(i, Expression)] for node in (left, right)
        ]
        if len(texts[0]) != len(texts[1]) or len(texts[0]) != len(left.items):
            return False
        (first, *rest), (gold, *golds) = texts
        return all(
            self._formulas.same(f"({term})*({gold})", f"({goal})*({first})")
            for term, goal in zip(rest, golds, strict=True)
        )

    def _matrices(self, left: Node, right: Node) -> bool:
        if not (isinstance(left, Matrix) and isinstance(right, Matrix)):
            return False
        return len(left.rows) == len(right.rows) and all(
            self._ordered(a, b) for a, b in zip(left.rows, right.rows, strict=True)
        )

    def _clocks(self, left: Node, right: Node) -> bool:
        if isinstance(left, Clock) and isinstance(right, Clock):
            return left.same_as(right)
        ratios = [
            Joined(":", (Expression(str(n.hour)), Expression(str(n.minute))))
            if isinstance(n, Clock) and not n.half and not n.second
            else n
            for n in (left, right)
        ]
        if any(isinstance(node, Clock) for node in ratios):
            return False
        return self._joined(*ratios)

    def _dates(self, left: Node, right: Node) -> bool:
        return isinstance(left, Date) and isinstance(right, Date) and left.same_as(right)

    def _bases(self, left: Node, right: Node) -> bool:
        """A base may be left out, but not changed."""
        digits = [
            n.digits if isinstance(n, Based) else getattr(n, "text", "") for n in (left, right)
        ]
        return digits[0] == digits[1] and not (isinstance(left, Based) and isinstance(right, Based))
