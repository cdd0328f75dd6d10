"""Figures of the leaderboard: score against size, bars with intervals, reasoner by MLLM.

The colours are those of Okabe and Ito, which people with any colour vision can distinguish, and no
information is in the colour alone. Text is readable if a figure is half a page wide.
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
    """Each figure that has numbers, as PNG and SVG.

    Raises ConfigError for any view but the leaderboard, and MissingError without matplotlib.
    """
    if document.name != "leaderboard":
        raise ConfigError("--format figures draws the leaderboard itself, not other views.")
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
    """A record for a figure: a single score of a row."""

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
        """The name of the reasoner, or "alone" for a row of the MLLM itself."""
        if not self.reasoner:
            return "alone †" if self.paper else "alone"
        label = self.label.removeprefix("+ ")
        return label.replace("RACRO (", "").replace(")", "") if self.paper else label


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _unique(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _with_reasoners(points: Sequence[_Point]) -> list[str]:
    """The MLLMs with a row for a reasoner; other models of the paper have none."""
    return _unique([point.mllm for point in points if point.reasoner])


def scaling(points: list[_Point]) -> Figure | None:
    """The average against the number of parameters; a line per MLLM, alone and with reasoners."""
    shown = [point for point in points if point.average and point.size]
    if not shown:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.6))
    axes = figure.add_subplot()
    mllms = _with_reasoners(shown)
    for number, mllm in enumerate(mllms):
        for paper in (False, True):
            of_mllm = [point for point in shown if (point.mllm, point.paper) == (mllm, paper)]
            _line(axes, [point for point in of_mllm if "VisualPRM" not in point.label], number)
    others = [point for point in shown if point.mllm not in mllms or "VisualPRM" in point.label]
    if others:
        sizes, values = [point.size or 0.0 for point in others], [point.value for point in others]
        axes.plot(sizes, values, "x", color=_OTHERS, label="other models †")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.margins(x=0.12, y=0.1)
    axes.set_xlabel("parameters of MLLM and reasoner together (billions)")
    axes.set_ylabel(f"{shown[0].benchmark} (%)")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=9)
    names = {}
    for point in shown:
        if point.reasoner or point.mllm not in mllms:
            name = point.short if point.reasoner else point.label
            colour = _OTHERS if point in others else _COLOURS[mllms.index(point.mllm) % 7]
            names[point.size or 0.0, point.value] = (name.removesuffix(" †"), colour)
    place_labels(axes, names, [(point.size or 0.0, point.value) for point in shown])
    return figure


def _line(axes: Axes, points: list[_Point], number: int) -> None:
    if not points:
        return
    points = sorted(points, key=lambda point: (point.size or 0.0, point.value))
    colour, paper = _COLOURS[number % 7], points[0].paper
    axes.plot(
        [point.size or 0.0 for point in points],
        [point.value for point in points],
        color=colour,
        marker=_MARKERS[number % 7],
        markersize=7,
        markerfacecolor="white" if paper else colour,
        linestyle="--" if paper else "-",
        label=points[0].mllm + (" †" if paper else ""),
    )


def bars(points: list[_Point]) -> Figure | None:
    """A panel per benchmark, with a bar and its interval per row."""
    rows = list(dict.fromkeys((point.mllm, point.label, point.paper) for point in points))
    benchmarks = _unique([point.benchmark for point in points])
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
        for point in points:
            if point.benchmark == benchmarks[place]:
                colour = _COLOURS[mllms.index(point.mllm) % 7]
                _bar(axes, point, rows.index((point.mllm, point.label, point.paper)), colour)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
    first = panels[0][0]
    first.set_yticks(range(len(rows)), [label for _, label, _ in rows])
    first.set_ylim(len(rows) - 0.4, -0.6)
    first.set_xlim(0, 1.22 * max(point.high or point.value for point in points))
    for axes in panels[-1]:
        axes.set_xlabel("score (%), 95 % interval", fontsize=10)
    figure.tight_layout()
    return figure


def _bar(axes: Axes, point: _Point, place: int, colour: str) -> None:
    face = "white" if point.paper else colour
    axes.barh(place, point.value, height=0.78, facecolor=face, edgecolor=colour, linewidth=1)
    end = point.value
    if point.low is not None and point.high is not None:
        end = point.high
        # A white line below the dark one makes it visible on any bar.
        axes.plot([point.low, end], [place, place], color="white", linewidth=3.4)
        axes.plot([point.low, end], [place, place], color="#222222", linewidth=1.3)
    text = f" {point.value:.1f}" + ("*" if point.partial else "")
    axes.text(end, place, text, va="center", fontsize=9)


def heatmap(points: list[_Point]) -> Figure | None:
    """Reasoner by MLLM: the average if there is one, else the score on the only benchmark."""
    only = len(_unique([point.benchmark for point in points])) == 1
    shown = [point for point in points if point.average] or (points if only else [])
    mllms = _with_reasoners(shown) or _unique([point.mllm for point in shown])
    shown = [point for point in shown if point.mllm in mllms]
    if not shown:
        return None
    from matplotlib.figure import Figure

    names = _unique([point.short for point in shown])
    values = {(point.short, point.mllm): point.value for point in shown}
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
"""Suffix of the file's name → function that draws the figure, or returns None without numbers."""
