"""The paper's table: a block per MLLM, its own row on top, a row per reasoner."""

from __future__ import annotations

from racro_eval.leaderboard.columns import PAPER_COLUMNS, average_name
from racro_eval.leaderboard.document import MISSING, Column, Document, Field, Line, Record, Sheet
from racro_eval.leaderboard.published import AVERAGE, JUDGES
from racro_eval.leaderboard.table import (
    DEFAULT_PROMPTS,
    PAPER,
    Block,
    Entry,
    Row,
    Table,
)
from racro_eval.models.parameters import billion_parameters
from racro_eval.scoring.profiles import DEFAULT_PROFILE

NOTE = (
    "Small print: 95 % interval; cut: truncated answers. In brackets: difference to the MLLM's own "
    "row. * not all samples; n of N."
)


def board(table: Table) -> Document:
    """The document of a table."""
    sheet = Sheet("", "Model", [_column(table, name) for name in table.columns], [])
    records: list[Record] = []
    for block in table.blocks:
        lines = []
        for row in block.rows:
            fields = [_field(row.entries.get(name)) for name in table.columns]
            lines.append(Line(row.label, fields, strong=row.reasoner is None))
            records += [_record(table, row, name) for name in table.columns if name in row.entries]
        sheet.blocks.append(under_mllm(block, lines))
    return Document("leaderboard", "Leaderboard", [sheet], records, notes(table))


def under_mllm(block: Block, lines: list[Line]) -> list[Line]:
    """The lines of a block, with a heading if its MLLM has no row of its own."""
    if lines[0].strong:
        return lines
    return [Line(block.mllm, [MISSING] * len(lines[0].fields), strong=True), *lines]


def heading(table: Table, name: str) -> str:
    """The heading of a column: the paper's short name if it has one."""
    return average_name(table.columns) if name == AVERAGE else PAPER_COLUMNS.get(name, name)


def _column(table: Table, name: str) -> Column:
    expected = {cell.score.expected for cell in table.cells() if cell.benchmark == name}
    return Column(heading(table, name), f"n={max(expected)}" if expected else "")


def _field(entry: Entry | None) -> Field:
    if entry is None or entry.value is None:
        return MISSING
    star = "*" if entry.partial else ""
    return Field(
        f"{entry.value:.1f}{star}", entry.value, entry.difference, entry.best, _small(entry)
    )


def _small(entry: Entry) -> str:
    parts = []
    if entry.partial and entry.cell:
        parts.append(f"{entry.cell.score.samples}/{entry.cell.score.expected}")
    if entry.interval:
        parts.append("{:.1f}–{:.1f}".format(*entry.interval))
    if entry.cell:
        parts.append(f"{entry.cell.score.share('truncated'):.1f}% cut")
    return ", ".join(parts)


def identity(row: Row) -> Record:
    """The values in a record that identify its row."""
    return {
        "source": row.source,
        "mllm": row.mllm,
        "reasoner": row.reasoner,
        "variant": row.variant,
        "prompts": row.prompts,
        "profile": row.profile,
        "label": row.label,
    }


def _record(table: Table, row: Row, name: str) -> Record:
    entry = row.entries[name]
    cell = entry.cell
    score = cell.score if cell else None
    low, high = entry.interval or (None, None)
    return {
        **identity(row),
        "benchmark": heading(table, name) if name == AVERAGE else name,
        "metric": score.metric if score else None,
        "value": entry.value,
        "low": low,
        "high": high,
        "difference": entry.difference,
        "best": int(entry.best),
        "n": score.samples if score else None,
        "expected": score.expected if score else None,
        "rows": score.whole.rows if score else None,
        "correct": score.whole.correct if score else None,
        "truncated": score.statuses["truncated"] if score else None,
        "unparsed": score.statuses["unparsed"] if score else None,
        "errors": score.statuses["error"] if score else None,
        "billion_parameters": billion_parameters(row.mllm, row.reasoner),
        "key": cell.key if cell else None,
        "config": row.settings_hash or None,
    }


def notes(table: Table) -> list[str]:
    """Notes for the reader: how to read the rows, and which of them are not comparable."""
    lines = [NOTE]
    prompts = sorted({row.prompts for row in table.rows} - {"", DEFAULT_PROMPTS})
    if prompts:
        lines.append(
            f"Rows with {', '.join(prompts)} prompts are rows of their own: the models were asked "
            "in other words."
        )
    profiles = sorted({row.profile for row in table.rows} - {"", DEFAULT_PROFILE})
    if profiles:
        lines.append(
            f"Rows scored by {', '.join(profiles)} are rows of their own: the same answers under "
            "other rules, not to be compared with the others."
        )
    if any(row.label.endswith("]") for row in table.rows):
        lines.append(
            "Rows with the same name are runs with different settings, in square brackets."
        )
    graders = sorted(
        {cell.grader for cell in table.cells() if cell.profile == DEFAULT_PROFILE} - {""}
    )
    if len(graders) > 1:
        lines.append(
            f"The table mixes verdicts of different graders ({', '.join(graders)}); the same run "
            "command grades again without asking any model."
        )
    lines += [f"{cell.path}: {cell.score.refusal}" for cell in table.cells() if cell.score.refusal]
    if any(row.source == PAPER for row in table.rows):
        lines.append(f"† {JUDGES}")
    return lines
