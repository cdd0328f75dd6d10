"""Tokens, time and throughput of every row, by benchmark."""

from __future__ import annotations

from pathlib import Path

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
from racro_eval.leaderboard.usage import (
    STAGES,
    StageUsage,
    read_usage,
    stage_paths,
    tokens_per_correct,
)
from racro_eval.leaderboard.views.board import identity, notes, under_mllm

NOTE = (
    "Tokens are completion tokens; small print: prompt tokens. Per right answer: completion tokens "
    "of all stages. Seconds: wall time of the runs that wrote the file, divided among the files of "
    "one run by their tokens; small print: tokens per second. - is not known."
)
_COLUMNS = [
    Column("rows"),
    *(Column(f"{stage} tokens") for stage in STAGES),
    Column("per right answer"),
    *(Column(f"{stage} seconds") for stage in STAGES),
    Column("truncated %"),
    Column("unparsed %"),
]


def costs(table: Table) -> Document:
    """The document of what the scores of a table cost."""
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
    return Document("usage", "Tokens and time", sheets, records, [NOTE, *notes(table)[1:]])


def _stages(cell: Cell, usage: dict[Path, StageUsage]) -> dict[str, StageUsage]:
    return {stage: usage[path] for stage, path in stage_paths(cell).items()}


def _fields(cell: Cell, stages: dict[str, StageUsage]) -> list[Field]:
    found = [stages.get(stage) for stage in STAGES]
    tokens = tokens_per_correct(cell, stages.values()) if stages else None
    return [
        count(cell.score.whole.rows),
        *map(_tokens, found),
        MISSING if tokens is None else Field(f"{tokens:,.0f}", tokens),
        *map(_seconds, found),
        number(cell.score.share("truncated")),
        number(cell.score.share("unparsed")),
    ]


def _tokens(usage: StageUsage | None) -> Field:
    if usage is None:
        return MISSING
    made = usage.completion_tokens
    return Field(f"{made:,}", made, small=f"{usage.prompt_tokens:,} prompt")


def _seconds(usage: StageUsage | None) -> Field:
    if usage is None or usage.wall_s is None:
        return MISSING
    speed = usage.tokens_per_second or 0.0
    return Field(f"{usage.wall_s:,.1f}", usage.wall_s, small=f"{speed:,.0f}/s")


def _records(row: Row, cell: Cell, stages: dict[str, StageUsage]) -> list[Record]:
    score = cell.score
    about = {**identity(row), "benchmark": cell.benchmark, "key": cell.key}
    shared = {
        "tokens_per_correct": tokens_per_correct(cell, stages.values()) if stages else None,
        "truncated_percent": score.share("truncated"),
        "unparsed_percent": score.share("unparsed"),
    }
    return [
        {
            **about,
            "stage": stage,
            "rows": usage.rows,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "out_of_tokens": usage.truncated,
            "latency_s": usage.latency_s,
            "wall_s": usage.wall_s,
            "tokens_per_second": usage.tokens_per_second,
            **shared,
        }
        for stage, usage in stages.items()
    ]
