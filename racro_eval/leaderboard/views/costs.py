"""Tokens, time and throughput of every row, by benchmark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from racro_eval.leaderboard.analysis.usage import (
    STAGES,
    StageUsage,
    read_usage,
    stage_paths,
    tokens_per_correct,
)
from racro_eval.leaderboard.collect import Cell
from racro_eval.leaderboard.document import (
    MISSING,
    Column,
    Document,
    Field,
    Line,
    Record,
    Sheet,
    count,
    number,
)
from racro_eval.leaderboard.table import Row, Table
from racro_eval.leaderboard.views.board import identity, notes, under_mllm

NOTE = (
    "Tokens are completion tokens; small print: prompt tokens. Per right answer: completion tokens "
    "of all stages. Seconds: wall time of the runs that wrote the file, divided among the files of "
    "one run by their tokens; small print: tokens per second. - is not known, or not part of it."
)
UNKNOWN_NOTE = (
    "? is the cost of texts that are not in the results folder: they came from a file of yours "
    "(--caption-file, --tentative-file), or theirs was removed. What a right answer of such a row "
    "cost is not known either."
)
UNKNOWN = Field("?")
_USAGE_FIELDS = (
    "rows",
    "prompt_tokens",
    "completion_tokens",
    "out_of_tokens",
    "latency_s",
    "wall_s",
    "tokens_per_second",
)
"""The values of a stage in a record; None if its cost is unknown."""
_COLUMNS = [
    Column("rows"),
    *(Column(f"{stage} tokens") for stage in STAGES),
    Column("per right answer"),
    *(Column(f"{stage} seconds") for stage in STAGES),
    Column("truncated %"),
    Column("unparsed %"),
]


def costs(table: Table) -> Document:
    """The document of the costs of a table's scores."""
    usage = read_usage(table.cells())
    sheets: list[Sheet] = []
    records: list[Record] = []
    for benchmark in table.columns:
        sheet = Sheet(benchmark, "Model", _COLUMNS, [])
        for block in table.blocks:
            rows = [(row, row.cells().get(benchmark)) for row in block.rows]
            lines = []
            for row, cell in rows:
                if cell is None:
                    continue
                stages = _stages(cell, usage)
                lines.append(Line(row.label, _fields(cell, stages), strong=row.reasoner is None))
                records += _records(row, cell, stages)
            if lines:
                sheet.blocks.append(under_mllm(block, lines))
        if sheet.blocks:
            sheets.append(sheet)
    unknown = any(UNKNOWN in line.fields for sheet in sheets for line in sheet.lines)
    all_notes = [NOTE, *[UNKNOWN_NOTE] * unknown, *notes(table)[1:]]
    return Document("usage", "Tokens and time", sheets, records, all_notes)


_Stages = dict[str, StageUsage | None]
"""Stage → usage, None if its cost is unknown."""


def _stages(cell: Cell, usage: dict[Path, StageUsage]) -> _Stages:
    return {stage: usage[path] if path else None for stage, path in stage_paths(cell).items()}


def _fields(cell: Cell, stages: _Stages) -> list[Field]:
    tokens = tokens_per_correct(cell, stages.values())
    return [
        count(cell.score.whole.rows),
        *(_of_stage(stage, stages, _tokens) for stage in STAGES),
        MISSING if tokens is None else Field(f"{tokens:,.0f}", tokens),
        *(_of_stage(stage, stages, _seconds) for stage in STAGES),
        number(cell.score.share("truncated")),
        number(cell.score.share("unparsed")),
    ]


def _of_stage(stage: str, stages: _Stages, show: Callable[[StageUsage], Field]) -> Field:
    if stage not in stages:
        return MISSING
    usage = stages[stage]
    return UNKNOWN if usage is None else show(usage)


def _tokens(usage: StageUsage) -> Field:
    tokens = usage.completion_tokens
    return Field(f"{tokens:,}", tokens, small=f"{usage.prompt_tokens:,} prompt")


def _seconds(usage: StageUsage) -> Field:
    if usage.wall_s is None:
        return MISSING
    speed = usage.tokens_per_second or 0.0
    return Field(f"{usage.wall_s:,.1f}", usage.wall_s, small=f"{speed:,.0f}/s")


def _records(row: Row, cell: Cell, stages: _Stages) -> list[Record]:
    score = cell.score
    about = {**identity(row), "benchmark": cell.benchmark, "key": cell.key}
    shared = {
        "tokens_per_correct": tokens_per_correct(cell, stages.values()),
        "truncated_percent": score.share("truncated"),
        "unparsed_percent": score.share("unparsed"),
    }
    return [
        {**about, "stage": stage, **_usage_values(usage), **shared}
        for stage, usage in stages.items()
    ]


def _usage_values(usage: StageUsage | None) -> Record:
    return {name: None if usage is None else getattr(usage, name) for name in _USAGE_FIELDS}
