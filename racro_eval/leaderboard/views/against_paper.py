"""Our scores minus the paper's, cell by cell."""

from __future__ import annotations

from racro_eval.errors import MissingError
from racro_eval.leaderboard.columns import PAPER_COLUMNS, average_name
from racro_eval.leaderboard.document import MISSING, Column, Document, Field, Line, Record, Sheet
from racro_eval.leaderboard.published import AVERAGE, JUDGES, PublishedRow, counterpart
from racro_eval.leaderboard.table import OURS, Row, Table
from racro_eval.leaderboard.views.board import heading, identity, notes, under_mllm
from racro_eval.prompting import DEFAULT_VARIANT

NOTE = "Our score, in brackets ours minus the paper's; small print: the paper's. * not all samples."


def against_paper(table: Table) -> Document:
    """The document of our scores beside the paper's. Raises MissingError without any such row."""
    whole = average_name(table.columns) == AVERAGE
    columns = [
        name for name in table.columns if name in PAPER_COLUMNS or (name == AVERAGE and whole)
    ]
    sheet = Sheet("", "Model", [Column(heading(table, name)) for name in columns], [])
    records: list[Record] = []
    untrained: dict[str, str] = {}
    for block in table.blocks:
        lines = []
        for row in block.rows:
            paper = _paper_row(row)
            if paper is None:
                continue
            fields = [_field(row, paper, name) for name in columns]
            lines.append(Line(row.label, fields, strong=row.reasoner is None))
            if row.reasoner and row.mllm == paper.mllm:
                untrained[paper.mllm] = paper.captioner
            records += [_record(row, paper, name) for name in columns if name in row.entries]
        if lines:
            sheet.blocks.append(under_mllm(block, lines))
    if not sheet.blocks:
        raise MissingError(
            "None of these rows is in the paper's table, which has Qwen2.5-VL-3B, -7B and -32B, "
            "alone and with R1-7B, Qwen3-8B and R1-32B."
        )
    captioners = [
        f"With a reasoner, the paper's {mllm} rows read captions of its trained captioner "
        f"({captioner}), these rows those of {mllm} itself."
        for mllm, captioner in untrained.items()
    ]
    title = "racro-eval minus the paper"
    all_notes = [NOTE, JUDGES, *captioners, *notes(table)[1:]]
    return Document("against-paper", title, [sheet], records, all_notes)


def _paper_row(row: Row) -> PublishedRow | None:
    if row.source != OURS or (row.reasoner and row.variant != DEFAULT_VARIANT):
        return None
    return counterpart(row.mllm, row.reasoner)


def _field(row: Row, paper: PublishedRow, name: str) -> Field:
    entry = row.entries.get(name)
    if entry is None or entry.value is None:
        return MISSING
    text = f"{entry.value:.1f}" + ("*" if entry.partial else "")
    return Field(text, entry.value, _difference(row, paper, name), small=_published(paper, name))


def _published(paper: PublishedRow, name: str) -> str:
    return f"{paper.values[name]:.1f}" if name in paper.values else "-"


def _difference(row: Row, paper: PublishedRow, name: str) -> float | None:
    entry = row.complete.get(name)
    if entry is None or entry.value is None or name not in paper.values:
        return None
    return entry.value - paper.values[name]


def _record(row: Row, paper: PublishedRow, name: str) -> Record:
    return {
        **identity(row),
        "benchmark": name,
        "value": row.entries[name].value,
        "paper_model": paper.model,
        "paper_value": paper.values.get(name),
        "difference": _difference(row, paper, name),
    }
