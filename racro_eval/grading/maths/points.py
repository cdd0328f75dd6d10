"""The points at which two formulas are compared, drawn from a fixed seed.

Both comparisons by values use them: `identity.py` in this process, `symbolic.py` in a worker.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import TypeVar

POINTS = 6
"""Points per comparison. All variables of the first half are positive."""
_SEED = 20240711

Variable = TypeVar("Variable")


def draw_points(
    variables: Sequence[Variable], integers: Collection[Variable] = ()
) -> Iterator[tuple[bool, dict[Variable, Fraction]]]:
    """Points for these variables: whether all values are positive, and variable → value.

    integers: the variables that get small positive integers. Without variables there is one point.
    """
    generator = random.Random(_SEED)
    for number in range(POINTS if variables else 1):
        positive = number < POINTS // 2
        point = {}
        for variable in variables:
            sign = 1 if positive else generator.choice((-1, -1, 1))
            value = Fraction(sign * generator.randint(300, 4000), 997)
            point[variable] = Fraction(generator.randint(1, 9)) if variable in integers else value
        yield positive, point
