"""One table per benchmark and breakdown: a column per subject, level, task, ..."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from racro_eval.errors import UnknownNameError
from racro_eval.leaderboard.collect import Cell
from racro_eval.leaderboard.document import (
    MISSING,
    Column,
    Document,
    Field,
    Line,
    Record,
    Sheet,
    number,
)
from racro_eval.leaderboard.statistics import wilson
from racro_eval.leaderboard.table import Row, Table
from racro_eval.leaderboard.views.board import identity, notes, under_mllm
from racro_eval.scoring.metrics.registry import Part

METRICS = "metrics"
"""The name of the breakdown with a benchmark's further metrics beside its headline score."""
NOTE = "Correct rows in percent; small print: correct of rows. A row may have several labels."


def breakdown(table: Table, names: Sequence[str]) -> Document:
    """The document of these breakdowns. Raises UnknownNameError if no benchmark has one of them."""
    known = sorted({name for cell in table.cells() for name in _parts(cell)})
    for name in names:
        if name not in known:
            hint = f"There are: {', '.join(known)}." if known else "These benchmarks have none."
            raise UnknownNameError("breakdown", name, known, hint)
    sheets: list[Sheet] = []
    records: list[Record] = []
    for benchmark in table.columns:
        for name in names:
            if any(name in _parts(cell) for cell in _cells(table, benchmark)):
                sheet, sheet_records = _sheet(table, benchmark, name)
                sheets.append(sheet)
                records += sheet_records
    return Document(
        "by-" + "-".join(names), "Breakdowns", sheets, records, [NOTE, *notes(table)[1:]]
    )


def _cells(table: Table, benchmark: str) -> list[Cell]:
    return [cell for cell in table.cells() if cell.benchmark == benchmark]


def _parts(cell: Cell) -> dict[str, dict[str, Part | float | None]]:
    """Breakdown → group → its rows; and the benchmark's metrics by name, in percent."""
    score = cell.score
    breakdowns: dict[str, dict[str, Part | float | None]] = {
        name: dict(parts) for name, parts in score.breakdowns.items()
    }
    if score.further:
        breakdowns[METRICS] = {score.metric: score.value, **score.further}
    return breakdowns


def _sheet(table: Table, benchmark: str, name: str) -> tuple[Sheet, list[Record]]:
    cells = _cells(table, benchmark)
    groups = dict.fromkeys(label for cell in cells for label in _parts(cell).get(name, {}))
    labels = list(groups) if name == METRICS else natural(groups)
    sheet = Sheet(
        f"{benchmark} by {name}", "Model", [Column(label or "(none)") for label in labels], []
    )
    records: list[Record] = []
    for block in table.blocks:
        lines = []
        for row in block.rows:
            cell = row.cells().get(benchmark)
            if cell is None:
                continue
            parts = _parts(cell).get(name, {})
            fields = [_field(parts.get(label)) for label in labels]
            lines.append(Line(row.label, fields, strong=row.reasoner is None))
            records += [
                _record(row, cell, name, label, parts[label]) for label in labels if label in parts
            ]
        if lines:
            sheet.blocks.append(under_mllm(block, lines))
    return sheet, records


def _field(part: Part | float | None) -> Field:
    if not isinstance(part, Part):
        return number(part)
    if part.percent is None:
        return MISSING
    return Field(f"{part.percent:.1f}", part.percent, small=f"{part.correct}/{part.rows}")


def _record(row: Row, cell: Cell, name: str, label: str, part: Part | float | None) -> Record:
    rows = part if isinstance(part, Part) else Part()
    # Several draws of a sample are not independent trials.
    independent = cell.score.whole.rows == cell.score.samples
    low, high = wilson(rows.correct, rows.rows) if independent and rows.rows else (None, None)
    return {
        **identity(row),
        "benchmark": cell.benchmark,
        "breakdown": name,
        "group": label,
        "value": part.percent if isinstance(part, Part) else part,
        "low": None if low is None else 100 * low,
        "high": None if high is None else 100 * high,
        "correct": rows.correct if rows.rows else None,
        "rows": rows.rows or None,
        "key": cell.key,
    }


def natural(labels: Iterable[str]) -> list[str]:
    """Labels in natural order: level 2 before level 10."""

    def key(label: str) -> list[tuple[int, int, str]]:
        parts = re.findall(r"\d+|\D+", label)
        return [(0, int(p), "") if p.isdecimal() else (1, 0, p.casefold()) for p in parts]

    return sorted(labels, key=lambda label: (key(label), label))
