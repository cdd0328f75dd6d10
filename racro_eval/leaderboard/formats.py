"""The table as text: for a terminal, as Markdown, as tidy CSV, as a picture of the terminal."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from racro_eval.leaderboard.collect import Cell
from racro_eval.leaderboard.table import Row, Table

if TYPE_CHECKING:
    from rich.table import Table as RichTable

CSV_COLUMNS = (
    *("mllm", "reasoner", "variant", "benchmark", "value", "difference"),
    *("samples", "expected", "rows", "correct", "truncated", "unparsed", "errors"),
    *("key", "config"),
)
NOTE = "* not all samples; n of N. cut: truncated answers. Brackets: difference to the MLLM's own."


def rich_table(table: Table) -> RichTable:
    """The table for a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column("Model", no_wrap=True)
    for name in table.columns:
        shown.add_column(name, justify="right")
    for block in table.blocks:
        for row in block.rows:
            cells = []
            for name in table.columns:
                text = Text("-", style="dim")
                if name in row.cells:
                    text = Text(_value(row.cells[name]))
                    if name in row.differences:
                        style = "green" if row.differences[name] >= 0 else "red"
                        text.append(f" ({row.differences[name]:+.1f})", style=style)
                    text.append(f"\n{_facts(row.cells[name])}", style="dim")
                cells.append(text)
            label = Text(row.label, style="bold" if row.reasoner is None else "")
            shown.add_row(label, *cells)
        shown.add_section()
    return shown


def markdown(table: Table) -> str:
    """The table as GitHub Markdown."""
    lines = [
        "| Model | " + " | ".join(map(_escape, table.columns)) + " |",
        "|---|" + "---:|" * len(table.columns),
    ]
    for block in table.blocks:
        for row in block.rows:
            label = _escape(row.label)
            label = f"**{label}**" if row.reasoner is None else label
            cells = [_markdown_cell(row, name) for name in table.columns]
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", _escape(NOTE), ""])


def _markdown_cell(row: Row, name: str) -> str:
    cell = row.cells.get(name)
    if cell is None:
        return "-"
    difference = f" ({row.differences[name]:+.1f})" if name in row.differences else ""
    return f"{_escape(_value(cell))}{difference}<br><sub>{_facts(cell)}</sub>"


def tidy_csv(table: Table) -> str:
    """One line per cell, with the counts behind it."""
    buffer = io.StringIO(newline="")
    out = csv.writer(buffer, lineterminator="\n")
    out.writerow(CSV_COLUMNS)
    for block in table.blocks:
        for row in block.rows:
            for name in table.columns:
                if name in row.cells:
                    out.writerow(_csv_fields(block.mllm, row, row.cells[name]))
    return buffer.getvalue()


def _csv_fields(mllm: str, row: Row, cell: Cell) -> list[str | int]:
    score, difference = cell.score, row.differences.get(cell.benchmark)
    return [
        mllm,
        row.reasoner or "",
        row.variant,
        cell.benchmark,
        "" if score.value is None else f"{score.value:.4f}",
        "" if difference is None else f"{difference:.4f}",
        score.samples,
        score.expected,
        score.whole.rows,
        score.whole.correct,
        score.statuses["truncated"],
        score.statuses["unparsed"],
        score.statuses["error"],
        cell.key,
        cell.config,
    ]


def svg(table: Table) -> str:
    """The terminal's table as a picture, for a README. It names no font to be fetched."""
    from rich.console import Console
    from rich.measure import Measurement

    shown = rich_table(table)
    wide = Console(width=400)
    width = max(Measurement.get(wide, wide.options, shown).maximum, len(NOTE)) + 1
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True)
    console.print(shown)
    console.print(NOTE, style="dim")
    picture = console.export_svg(title="racro-eval leaderboard", unique_id="leaderboard")
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


TEXT_FORMATS: dict[str, Callable[[Table], str]] = {"md": markdown, "csv": tidy_csv, "svg": svg}
"""Formats that are plain text; "rich" is the terminal's."""


def _value(cell: Cell) -> str:
    if cell.score.value is None:
        return "-"
    return f"{cell.score.value:.1f}" + ("*" if cell.score.partial else "")


def _facts(cell: Cell) -> str:
    score = cell.score
    n = f"n={score.samples}" + (f"/{score.expected}" if score.partial else "")
    return f"{n}, {score.share('truncated'):.1f}% cut"


def _escape(text: str) -> str:
    """Names come from users: nothing in them may become Markdown or HTML."""
    for character in "\\`*_{}[]<>|":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
