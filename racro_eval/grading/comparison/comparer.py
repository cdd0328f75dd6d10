"""Compare two typed answers under the policy of GRADING.md; sympy only for what is left."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from racro_eval.grading.comparison.conversions import (
    fraction,
    same_brackets,
    same_unknown,
    times,
    with_letters,
    without,
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
    asked_value,
    assignment,
    interval,
    only_numbers,
    range_of,
    same_name,
    union_of,
    variable_of,
)
from racro_eval.grading.comparison.structure import parse
from racro_eval.grading.comparison.times import Clock, Date
from racro_eval.grading.comparison.units import Unit
from racro_eval.grading.comparison.words import same_words
from racro_eval.grading.maths.formulas import Formulas
from racro_eval.grading.rules import Rule

_REALS = Group("bracket", (Expression(r"-\infty"), Expression(r"\infty")), "()")


class Comparer:
    """One comparison: `same` recurses over the trees, `method` names what decided."""

    def __init__(self, rule: Rule) -> None:
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
        stated: Node | None = None
        found = assignment(relation)
        if found is not None:
            # A gold equation between formulas is not answered by one of its sides.
            if not found.name and relation is right and "≈" not in relation.operators:
                return False
            stated = parse(found.value)
        elif value := asked_value(relation, gold=relation is right):
            stated = parse(value)
        elif relation is left and self._identity(relation):
            stated = parse(relation.parts[-1])
        elif isinstance(other, Group | Joined):
            stated = interval(relation)
        if stated is None:
            return False
        return self.same(stated, right) if relation is left else self.same(left, stated)

    def _identity(self, relation: Relation) -> bool:
        """A chain of transformations: both of its ends are the same formula."""
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
        """Equations up to a factor, inequalities up to rearrangement."""
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
                return False  # 30% and 30°
            return self._percent(values, percents[0])
        for at, other in ((0, units[1]), (1, units[0])):
            if units[at] is None and other is not None:
                values[at], units[at] = with_letters(values[at], other)
        one, two = units
        if one is None:
            values[0] = without(values[0], two)
        if two is None:
            values[1] = without(values[1], one)
        if one is None or two is None or "" in (one.dimension, two.dimension):
            return self.same(*values) or self._angle(values, units)
        if {one.dimension, two.dimension} == {"angle", "radian"}:
            return self._angle(values, units)
        if one.dimension is None or two.dimension is None:
            return same_unknown(one, two) and self.same(*values)
        if one.dimension != two.dimension:
            return False
        if one.factor == two.factor:
            return self.same(*values)
        scaled = [
            times(value, unit.factor / two.factor)
            for value, unit in zip(values, (one, two), strict=True)
        ]
        return scaled[0] is not None and self.same(scaled[0], values[1])

    def _percent(self, values: list[Node], left: bool) -> bool:
        """25\\% is both 25 and 0.25."""
        if self.same(*values):
            return True
        hundredth = times(values[0 if left else 1], Fraction(1, 100))
        if hundredth is None:
            return False
        return self.same(hundredth, values[1]) if left else self.same(values[0], hundredth)

    def _angle(self, values: list[Node], units: Sequence[Unit | None]) -> bool:
        """60° = π/3: an angle in degrees against a bare multiple of π."""
        for degrees, radians in ((0, 1), (1, 0)):
            unit, bare = units[degrees], values[radians]
            other = units[radians]
            pi = isinstance(bare, Expression) and r"\pi" in bare.text
            turns = pi if other is None else other.dimension == "radian"
            if unit is not None and unit.dimension == "angle" and turns:
                turned = list(values)
                value = values[degrees]
                if isinstance(value, Expression):
                    turned[degrees] = Expression(rf"\frac{{({value.text})*\pi}}{{180}}")
                    return self.same(*turned)
        return False

    def _groups(self, left: Node, right: Node) -> bool:
        if _REALS in (left, right):
            return Expression(r"\mathbb{R}") in (left, right)
        for one, two in ((left, right), (right, left)):
            if isinstance(one, Group) and not isinstance(two, Group):
                if one.kind == "list" and isinstance(two, Expression | Quantity):
                    # "3/4 or 0.75" says one thing twice.
                    return self._each(one.items, two, one is left)
                # Brackets around a single value say nothing.
                alone = len(one.items) == 1 and isinstance(two, Expression | Quantity)
                item = one.items[0]
                return alone and (self.same(item, right) if one is left else self.same(left, item))
        assert isinstance(left, Group) and isinstance(right, Group)
        kinds = {left.kind, right.kind}
        if kinds == {"set", "bracket"} or kinds == {"signs", "bracket"}:
            return False
        if "bracket" in kinds:
            return same_brackets(left, right) and self._ordered(left.items, right.items)
        solutions = all(isinstance(item, Group) for item in (*left.items, *right.items))
        distinct = solutions or "set" in kinds
        return self._unordered(left.items, right.items, distinct=distinct)

    def _each(self, items: Sequence[Node], other: Node, is_left: bool) -> bool:
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
        ratios = [fraction(node) for node in (left, right)]
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
        """The base may be dropped, not changed."""
        digits = [
            n.digits if isinstance(n, Based) else getattr(n, "text", "") for n in (left, right)
        ]
        return digits[0] == digits[1] and not (isinstance(left, Based) and isinstance(right, Based))
