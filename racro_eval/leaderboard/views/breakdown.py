"""One table per benchmark and breakdown: a column per subject, level, task, ..."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from racro_eval.errors import UnknownNameError
from racro_eval.leaderboard.collect import Cell
from racro_eval.leaderboard.document import MISSING, Column, Document, Field, Line, Record, Sheet
from racro_eval.leaderboard.statistics import wilson
from racro_eval.leaderboard.table import Row, Table
from racro_eval.leaderboard.views.board import identity, notes, under_mllm
from racro_eval.scoring import Part

NOTE = "Correct rows in percent; small print: correct of rows. A row may have several labels."


def breakdown(table: Table, names: Sequence[str]) -> Document:
    """The document of these breakdowns. Raises UnknownNameError for one that no benchmark has."""
    known = sorted({name for cell in table.cells() for name in cell.score.breakdowns})
    for name in names:
        if name not in known:
            hint = f"There are: {', '.join(known)}." if known else "These benchmarks have none."
            raise UnknownNameError("breakdown", name, known, hint)
    sheets: list[Sheet] = []
    records: list[Record] = []
    for benchmark in table.columns:
        for name in names:
            if any(name in cell.score.breakdowns for cell in _cells(table, benchmark)):
                sheet, found = _sheet(table, benchmark, name)
                sheets.append(sheet)
                records += found
    return Document(
        "by-" + "-".join(names), "Breakdowns", sheets, records, [NOTE, *notes(table)[1:]]
    )


def _cells(table: Table, benchmark: str) -> list[Cell]:
    return [cell for cell in table.cells() if cell.benchmark == benchmark]


def _sheet(table: Table, benchmark: str, name: str) -> tuple[Sheet, list[Record]]:
    cells = _cells(table, benchmark)
    labels = natural({label for cell in cells for label in cell.score.breakdowns.get(name, {})})
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
            parts = cell.score.breakdowns.get(name, {})
            fields = [_field(parts.get(label)) for label in labels]
            lines.append(Line(row.label, fields, strong=row.reasoner is None))
            records += [
                _record(row, cell, name, label, parts[label]) for label in labels if label in parts
            ]
        if lines:
            sheet.blocks.append(under_mllm(block, lines))
    return sheet, records


def _field(part: Part | None) -> Field:
    if part is None or part.percent is None:
        return MISSING
    return Field(f"{part.percent:.1f}", part.percent, small=f"{part.correct}/{part.rows}")


def _record(row: Row, cell: Cell, name: str, label: str, part: Part) -> Record:
    once = cell.score.whole.rows == cell.score.samples  # several answers of a sample are no trials
    low, high = wilson(part.correct, part.rows) if once and part.rows else (None, None)
    return {
        **identity(row),
        "benchmark": cell.benchmark,
        "breakdown": name,
        "group": label,
        "value": part.percent,
        "low": None if low is None else 100 * low,
        "high": None if high is None else 100 * high,
        "correct": part.correct,
        "rows": part.rows,
        "key": cell.key,
    }


def natural(labels: Iterable[str]) -> list[str]:
    """Labels in the order in which a person counts: level 2 before level 10."""

    def key(label: str) -> list[tuple[int, int, str]]:
        parts = re.findall(r"\d+|\D+", label)
        return [(0, int(p), "") if p.isdecimal() else (1, 0, p.casefold()) for p in parts]

    return sorted(labels, key=lambda label: (key(label), label))
