"""Figures of the paper's table: score against size, bars with intervals, reasoner by MLLM.

Colours are Okabe and Ito's, which people with any colour vision tell apart, and no figure depends
on colour alone. Sizes are such that text is readable at half a page's width.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from racro_eval.errors import ConfigError, MissingError
from racro_eval.leaderboard.document import Document, Record
from racro_eval.leaderboard.published import AVERAGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_HATCHES = ("", "//", "..", "xx", "--", "oo", "\\\\")
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
    "figure.dpi": 100,
    "savefig.dpi": 200,
}
Plot = Callable[[list[Record]], "Figure | None"]


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
    files: dict[str, bytes] = {}
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, "backend": "agg", **_STYLE}):
        for name, plot in PLOTS.items():
            figure = plot([one for one in document.records if one["value"] is not None])
            if figure is not None:
                files[f"-{name}.png"] = _saved(figure, "png", {"Software": None})
                files[f"-{name}.svg"] = _saved(figure, "svg", {"Date": None, "Creator": None})
    return files


def _saved(figure: Figure, kind: str, metadata: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata=metadata, bbox_inches="tight")
    return buffer.getvalue()


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def _name(record: Record, *, base: str = "alone") -> str:
    """What a row is called within its block."""
    label = str(record["label"])
    return label.removeprefix("+ ") if label.startswith("+ ") else base


def scaling(records: list[Record]) -> Figure | None:
    """The average against all parameters, a line per MLLM; as in the paper, in billions."""
    measure = next((str(one["benchmark"]) for one in records if _average(one)), None)
    points = [one for one in records if one["benchmark"] == measure and one["billion_parameters"]]
    if measure is None or not points:
        return None
    figure, axes = _figure(6.0, 4.2)
    mllms = list(dict.fromkeys((one["source"], _block(one)) for one in points))
    for number, (source, block) in enumerate(mllms):
        mine = [one for one in points if (one["source"], _block(one)) == (source, block)]
        mine.sort(key=lambda one: float(one["billion_parameters"] or 0))
        colour, marker = _COLOURS[number % 7], _MARKERS[number % 7]
        paper = source == "paper"
        axes.plot(
            [float(one["billion_parameters"] or 0) for one in mine],
            [float(one["value"] or 0) for one in mine],
            color=colour,
            marker=marker,
            markersize=7,
            markerfacecolor="white" if paper else colour,
            linestyle="--" if paper else "-",
            label=f"{block} †" if paper else block,
        )
        for one in mine:
            axes.annotate(
                _name(one).removesuffix(" †"),
                (float(one["billion_parameters"] or 0), float(one["value"] or 0)),
                textcoords="offset points",
                xytext=(6, -11),
                fontsize=8,
                color=colour,
            )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.margins(x=0.14, y=0.1)
    axes.set_xlabel("parameters of MLLM and reasoner together (billions)")
    axes.set_ylabel(f"{measure} (%)")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _average(record: Record) -> bool:
    return str(record["benchmark"]).split(" of ")[0] == AVERAGE


def _block(record: Record) -> str:
    """The MLLM of a row; rows of the paper's other models stand alone under their own name."""
    return str(record["mllm"] or "question only")


def bars(records: list[Record]) -> Figure | None:
    """Every benchmark's scores with their intervals, a bar per row."""
    benchmarks = list(dict.fromkeys(str(one["benchmark"]) for one in records))
    rows = list(dict.fromkeys((_block(one), str(one["label"])) for one in records))
    if not rows:
        return None
    height = 0.9 + 0.26 * len(rows) * len(benchmarks) + 0.35 * len(benchmarks)
    figure, axes = _figure(6.0, min(height, 60.0))
    place, ticks = 0.0, []
    for benchmark in benchmarks:
        here = {
            (_block(one), str(one["label"])): one
            for one in records
            if one["benchmark"] == benchmark
        }
        start = place
        for number, row in enumerate(rows):
            if row in here:
                _bar(axes, here[row], place, number)
                place += 1
        ticks.append((benchmark, (start + place - 1) / 2))
        place += 1.2
    axes.set_yticks([middle for _, middle in ticks], [name for name, _ in ticks])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("score (%), with 95 % intervals")
    axes.set_xlim(0, 100)
    handles = [_handle(number, row) for number, row in enumerate(rows)]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _bar(axes: Axes, record: Record, place: float, number: int) -> None:
    value = float(record["value"] or 0)
    axes.barh(place, value, height=0.82, **_look(number))
    edge = value
    if record["low"] is not None and record["high"] is not None:
        low, edge = float(record["low"]), float(record["high"])
        axes.plot([low, edge], [place, place], color="#222222", linewidth=1.4)
    star = "*" if record["n"] is not None and record["n"] != record["expected"] else ""
    axes.text(edge + 1, place, f"{value:.1f}{star}", va="center", fontsize=9)


def _look(number: int) -> dict[str, Any]:
    return {
        "color": _COLOURS[number % 7],
        "hatch": _HATCHES[(number // 7 + number) % 7] if number else "",
        "edgecolor": "white",
        "linewidth": 0,
    }


def _handle(number: int, row: tuple[str, str]) -> Any:
    from matplotlib.patches import Patch

    block, label = row
    return Patch(**_look(number), label=f"{block} {label}" if label.startswith("+ ") else label)


def heatmap(records: list[Record]) -> Figure | None:
    """Reasoner by MLLM: the average where there is one, else the only benchmark's score."""
    benchmarks = list(dict.fromkeys(str(one["benchmark"]) for one in records))
    averages = [one for one in records if _average(one)]
    shown = averages or (records if len(benchmarks) == 1 else [])
    if not shown:
        return None
    mllms = list(dict.fromkeys(_block(one) for one in shown))
    names = list(dict.fromkeys(_name(one) for one in shown))
    values = {(_name(one), _block(one)): float(one["value"] or 0) for one in shown}
    figure, axes = _figure(2.2 + 1.1 * len(mllms), 1.4 + 0.5 * len(names))
    grid = [[values.get((name, mllm), float("nan")) for mllm in mllms] for name in names]
    axes.imshow(grid, cmap="cividis", aspect="auto", vmin=0, vmax=max(values.values()))
    axes.grid(visible=False)
    axes.set_xticks(range(len(mllms)), mllms, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    top = max(values.values())
    for (name, mllm), value in values.items():
        colour = "black" if value > 0.55 * top else "white"
        place = (mllms.index(mllm), names.index(name))
        axes.text(*place, f"{value:.1f}", ha="center", va="center", color=colour)
    axes.set_title(f"{shown[0]['benchmark']} (%)", fontsize=11)
    return figure


PLOTS: dict[str, Plot] = {"scaling": scaling, "bars": bars, "heatmap": heatmap}
"""End of the file's name → figure; a figure without numbers is None."""
