"""Labels of points in a figure, placed so that they overlap neither each other nor a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FONT = 8.0
_BACKGROUND = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4}
"""The background of a label, which makes it readable above a line."""
_OFFSETS = (
    (7, -3, "left"),
    (-7, -3, "right"),
    (6, 6, "left"),
    (-6, 6, "right"),
    (6, -12, "left"),
    (-6, -12, "right"),
    (0, 9, "center"),
    (0, -15, "center"),
    (10, 14, "left"),
    (10, -21, "left"),
    (-10, 14, "right"),
    (-10, -21, "right"),
)
"""Offsets of a label from its point (in typographic points), the best first."""
Point = tuple[float, float]
Box = tuple[float, float, float, float]


def place_labels(
    axes: Axes, names: Mapping[Point, tuple[str, str]], points: Sequence[Point]
) -> None:
    """Write labels (name, colour) beside their points; one that fits nowhere is left out."""
    figure = axes.get_figure(root=True)
    if figure is None:
        return
    figure.draw_without_rendering()  # sets the limits of the axes
    scale = 72 / figure.dpi

    def on_page(point: Point) -> Point:
        x, y = axes.transData.transform(point)
        return x * scale, y * scale

    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in map(on_page, points)]
    for point, (name, colour) in names.items():
        x, y = on_page(point)
        width, height = 0.58 * _FONT * len(name), 1.1 * _FONT
        for right, up, side in _OFFSETS:
            left = x + right - {"left": 0.0, "center": 0.5, "right": 1.0}[side] * width
            box = (left, y + up - 1, left + width, y + up + height)
            if not any(_overlap(box, other) for other in taken):
                taken.append(box)
                axes.annotate(
                    name,
                    point,
                    (right, up),
                    textcoords="offset points",
                    ha=side,
                    fontsize=_FONT,
                    color=colour,
                    bbox=_BACKGROUND,
                )
                break


def _overlap(first: Box, second: Box) -> bool:
    left, bottom, right, top = first
    return left < second[2] and second[0] < right and bottom < second[3] and second[1] < top
