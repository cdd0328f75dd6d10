"""Figures of the paper's table: score against size, bars with intervals, reasoner by MLLM.

Colours are Okabe and Ito's, which people with any colour vision tell apart, and nothing is told by
colour alone. Sizes are such that text is readable at half a page's width.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from racro_eval.common.printable import printable
from racro_eval.errors import ConfigError, MissingError
from racro_eval.leaderboard.columns import PAPER_COLUMNS
from racro_eval.leaderboard.document import Document, Record
from racro_eval.leaderboard.formats.labels import place_labels
from racro_eval.leaderboard.published import AVERAGE
from racro_eval.leaderboard.table import PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_OTHERS = "#7F7F7F"
_STYLE = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "svg.hashsalt": "racro-eval",
    "svg.fonttype": "path",
    "text.parse_math": False,
    "savefig.dpi": 160,
}


def render(document: Document) -> dict[str, bytes]:
    """Each figure that there are numbers for, as PNG and SVG.

    Raises ConfigError for another view than the paper's table, and MissingError without matplotlib.
    """
    if document.name != "leaderboard":
        raise ConfigError("--format figures draws the leaderboard itself, no other view of it.")
    try:
        import matplotlib
    except ImportError as error:
        raise MissingError("Figures need matplotlib: pip install 'racro-eval[figures]'.") from error
    points = [_Point(record) for record in document.records if record["value"] is not None]
    files: dict[str, bytes] = {}
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, "backend": "agg", **_STYLE}):
        for name, plot in PLOTS.items():
            figure = plot(points)
            if figure is not None:
                files[f"-{name}.png"] = _saved(figure, "png", {"Software": None})
                files[f"-{name}.svg"] = _saved(figure, "svg", {"Date": None, "Creator": None})
    return files


def _saved(figure: Figure, kind: str, metadata: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata=metadata, bbox_inches="tight")
    return buffer.getvalue()


class _Point:
    """A record as a figure needs it: one score of one row."""

    def __init__(self, record: Record) -> None:
        self.benchmark = str(record["benchmark"])
        self.value = float(record["value"] or 0)
        self.low, self.high = _number(record["low"]), _number(record["high"])
        self.size = _number(record["billion_parameters"])
        self.paper = record["source"] == PAPER
        self.partial = record["n"] != record["expected"]
        self.mllm = printable(str(record["mllm"] or "question only"))
        self.label = printable(str(record["label"]))
        self.reasoner = record["reasoner"] is not None
        self.average = self.benchmark.split(" of ")[0] == AVERAGE

    @property
    def short(self) -> str:
        """The reasoner's own name in this row, "alone" for the MLLM's row."""
        if not self.reasoner:
            return "alone †" if self.paper else "alone"
        label = self.label.removeprefix("+ ")
        return label.replace("RACRO (", "").replace(")", "") if self.paper else label


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _unique(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _with_reasoners(points: Sequence[_Point]) -> list[str]:
    """The MLLMs that have a reasoner's row; the paper's other models have none."""
    return _unique([point.mllm for point in points if point.reasoner])


def scaling(points: list[_Point]) -> Figure | None:
    """The average against all parameters: a line per MLLM from it alone to its reasoners."""
    shown = [point for point in points if point.average and point.size]
    if not shown:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.6))
    axes = figure.add_subplot()
    mllms = _with_reasoners(shown)
    for number, mllm in enumerate(mllms):
        for paper in (False, True):
            mine = [one for one in shown if (one.mllm, one.paper) == (mllm, paper)]
            _line(axes, [one for one in mine if "VisualPRM" not in one.label], number)
    others = [one for one in shown if one.mllm not in mllms or "VisualPRM" in one.label]
    if others:
        sizes, values = [one.size or 0.0 for one in others], [one.value for one in others]
        axes.plot(sizes, values, "x", color=_OTHERS, label="other models †")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.margins(x=0.12, y=0.1)
    axes.set_xlabel("parameters of MLLM and reasoner together (billions)")
    axes.set_ylabel(f"{shown[0].benchmark} (%)")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=9)
    names = {}
    for one in shown:
        if one.reasoner or one.mllm not in mllms:
            name = one.short if one.reasoner else one.label
            colour = _OTHERS if one in others else _COLOURS[mllms.index(one.mllm) % 7]
            names[one.size or 0.0, one.value] = (name.removesuffix(" †"), colour)
    place_labels(axes, names, [(one.size or 0.0, one.value) for one in shown])
    return figure


def _line(axes: Axes, mine: list[_Point], number: int) -> None:
    if not mine:
        return
    mine = sorted(mine, key=lambda one: (one.size or 0.0, one.value))
    colour, paper = _COLOURS[number % 7], mine[0].paper
    axes.plot(
        [one.size or 0.0 for one in mine],
        [one.value for one in mine],
        color=colour,
        marker=_MARKERS[number % 7],
        markersize=7,
        markerfacecolor="white" if paper else colour,
        linestyle="--" if paper else "-",
        label=mine[0].mllm + (" †" if paper else ""),
    )


def bars(points: list[_Point]) -> Figure | None:
    """A panel per benchmark, a bar per row with its interval."""
    rows = list(dict.fromkeys((one.mllm, one.label, one.paper) for one in points))
    benchmarks = _unique([one.benchmark for one in points])
    if not rows:
        return None
    from matplotlib.figure import Figure

    across = min(2, len(benchmarks))
    down = -(-len(benchmarks) // across)
    figure = Figure(figsize=(3.6 * across, (0.27 * len(rows) + 0.75) * down + 0.4))
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    mllms = _unique([mllm for mllm, _, _ in rows])
    for place, axes in enumerate(panels.flat):
        if place >= len(benchmarks):
            axes.set_visible(False)
            continue
        axes.set_title(PAPER_COLUMNS.get(benchmarks[place], benchmarks[place]), fontsize=11)
        for one in points:
            if one.benchmark == benchmarks[place]:
                colour = _COLOURS[mllms.index(one.mllm) % 7]
                _bar(axes, one, rows.index((one.mllm, one.label, one.paper)), colour)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
    first = panels[0][0]
    first.set_yticks(range(len(rows)), [label for _, label, _ in rows])
    first.set_ylim(len(rows) - 0.4, -0.6)
    first.set_xlim(0, 1.22 * max(one.high or one.value for one in points))
    for axes in panels[-1]:
        axes.set_xlabel("score (%), 95 % interval", fontsize=10)
    figure.tight_layout()
    return figure


def _bar(axes: Axes, one: _Point, place: int, colour: str) -> None:
    face = "white" if one.paper else colour
    axes.barh(place, one.value, height=0.78, facecolor=face, edgecolor=colour, linewidth=1)
    end = one.value
    if one.low is not None and one.high is not None:
        end = one.high
        # A pale line below the dark one, so that it is seen on any bar.
        axes.plot([one.low, end], [place, place], color="white", linewidth=3.4)
        axes.plot([one.low, end], [place, place], color="#222222", linewidth=1.3)
    text = f" {one.value:.1f}" + ("*" if one.partial else "")
    axes.text(end, place, text, va="center", fontsize=9)


def heatmap(points: list[_Point]) -> Figure | None:
    """Reasoner by MLLM: the average where there is one, else the only benchmark's score."""
    only = len(_unique([one.benchmark for one in points])) == 1
    shown = [one for one in points if one.average] or (points if only else [])
    mllms = _with_reasoners(shown) or _unique([one.mllm for one in shown])
    shown = [one for one in shown if one.mllm in mllms]
    if not shown:
        return None
    from matplotlib.figure import Figure

    names = _unique([one.short for one in shown])
    values = {(one.short, one.mllm): one.value for one in shown}
    figure = Figure(figsize=(2.2 + 1.1 * len(mllms), 1.4 + 0.5 * len(names)))
    axes = figure.add_subplot()
    grid = [[values.get((name, mllm), float("nan")) for mllm in mllms] for name in names]
    image = axes.imshow(grid, cmap="cividis", aspect="auto")
    axes.grid(visible=False)
    axes.set_xticks(range(len(mllms)), mllms, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    low, high = min(values.values()), max(values.values())
    for (name, mllm), value in values.items():
        red, green, blue, _ = image.get_cmap()((value - low) / ((high - low) or 1))
        light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.45
        place = (mllms.index(mllm), names.index(name))
        colour = "black" if light else "white"
        axes.text(*place, f"{value:.1f}", ha="center", va="center", color=colour)
    axes.set_title(f"{shown[0].benchmark} (%)", fontsize=11)
    return figure


PLOTS: dict[str, Callable[[list[_Point]], Figure | None]] = {
    "scaling": scaling,
    "bars": bars,
    "heatmap": heatmap,
}
"""End of the file's name → figure; None where there are no numbers for it."""
