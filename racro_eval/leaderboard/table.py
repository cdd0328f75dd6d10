"""The table itself, before any format: columns, blocks, rows, differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from racro_eval.leaderboard.collect import Cell
from racro_eval.prompting import DEFAULT_VARIANT

PAPER_COLUMNS = (
    "MathVista_MINI",
    "MathVision",
    "MathVerse_MINI_Vision_Only",
    "MMMU_DEV_VAL",
    "WeMath",
    "DynaMath",
    "LogicVista",
)
"""The seven benchmarks of the paper's table, in its order."""
NO_MLLM = "question only"


@dataclass(slots=True)
class Row:
    """One line: the MLLM itself (reasoner None) or the MLLM with a reasoner."""

    label: str
    reasoner: str | None
    variant: str
    config: str
    cells: dict[str, Cell] = field(default_factory=dict)
    differences: dict[str, float] = field(default_factory=dict)
    """Benchmark → score minus that of the base row, in points; only between complete cells or
    cells over the same number of samples."""


@dataclass(slots=True)
class Block:
    """The rows of one MLLM; its own come first."""

    mllm: str
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """Benchmarks as columns, a block per MLLM."""

    columns: list[str]
    blocks: list[Block]


def build_table(cells: Iterable[Cell]) -> Table:
    """Arrange cells: the paper's columns first, blocks and rows by name, base rows on top."""
    cells = list(cells)
    names = {cell.benchmark for cell in cells}
    columns = [name for name in PAPER_COLUMNS if name in names]
    columns += sorted(names - set(columns))
    blocks: dict[str, dict[tuple[str | None, str, str], Row]] = {}
    for cell in cells:
        rows = blocks.setdefault(cell.mllm or NO_MLLM, {})
        key = (cell.reasoner, cell.variant, cell.config)
        row = rows.setdefault(key, Row(_label(cell), *key))
        row.cells[cell.benchmark] = cell
    table = Table(columns, [])
    for mllm in sorted(blocks, key=lambda name: (name == NO_MLLM, name)):
        rows_of = sorted(blocks[mllm].values(), key=_rank)
        _tell_apart(rows_of)
        _compare(rows_of)
        table.blocks.append(Block(mllm, rows_of))
    return table


def _rank(row: Row) -> tuple[bool, str, bool, str, str]:
    default_last = row.variant == DEFAULT_VARIANT
    return (row.reasoner is not None, row.reasoner or "", default_last, row.variant, row.config)


def _label(cell: Cell) -> str:
    if cell.reasoner is None:
        return cell.mllm or NO_MLLM
    plain = cell.variant == DEFAULT_VARIANT or cell.mllm is None
    return f"+ {cell.reasoner}" + ("" if plain else f" ({cell.variant})")


def _tell_apart(rows: list[Row]) -> None:
    """Runs with other settings under the same names get the start of their config's hash."""
    count = Counter(row.label for row in rows)
    for row in rows:
        if count[row.label] > 1:
            row.label += f" [{row.config[:4]}]"


def _compare(rows: list[Row]) -> None:
    """Differences against the tentative answers that were read, else against the only base row."""
    bases = {row.config: row for row in rows if row.reasoner is None}
    only = next(iter(bases.values())) if len(bases) == 1 else None
    for row in rows:
        if row.reasoner is None:
            continue
        for name, cell in row.cells.items():
            base = bases.get(cell.base or "", only)
            own = base.cells.get(name) if base else None
            if own is None or own.score.samples != cell.score.samples:
                continue
            if own.score.value is not None and cell.score.value is not None:
                row.differences[name] = cell.score.value - own.score.value
