"""The table, before any format: columns, blocks, rows, differences, averages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from racro_eval.leaderboard.collect import Cell
from racro_eval.leaderboard.columns import average_name, averaged, check_columns, default_columns
from racro_eval.leaderboard.distinctions import distinctions
from racro_eval.leaderboard.published import AVERAGE, PublishedRow
from racro_eval.leaderboard.statistics import (
    Interval,
    bootstrap,
    mean_interval,
    standard_error,
    wilson,
)
from racro_eval.prompting import DEFAULT_VARIANT
from racro_eval.scoring.metrics.registry import Score
from racro_eval.scoring.profiles import DEFAULT_PROFILE

NO_MLLM = "question only"
DEFAULT_PROMPTS = "racro"
OURS, PAPER = "racro-eval", "paper"


@dataclass(slots=True)
class Entry:
    """One score of a row, in percent.

    interval: 95 %. error: standard error. difference: to the base row, on the same samples.
    best: whether it is the highest complete score of its column in the block, among rows of the
    same source.
    """

    value: float | None
    interval: Interval | None = None
    error: float = 0.0
    cell: Cell | None = None
    difference: float | None = None
    best: bool = False

    @property
    def partial(self) -> bool:
        """Whether samples are missing."""
        return self.cell is not None and self.cell.score.partial


@dataclass(slots=True)
class Row:
    """One row: the MLLM itself (reasoner None) or the MLLM with a reasoner.

    source: OURS or PAPER. profile: the scoring profile.
    """

    mllm: str | None
    reasoner: str | None
    variant: str
    prompts: str
    profile: str
    seed: str
    settings_hash: str
    source: str = OURS
    label: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def complete(self) -> dict[str, Entry]:
        """The entries with a value and without missing samples."""
        return {
            name: entry
            for name, entry in self.entries.items()
            if entry.value is not None and not entry.partial
        }

    def cells(self) -> dict[str, Cell]:
        """Our scores of the row by benchmark."""
        return {name: entry.cell for name, entry in self.entries.items() if entry.cell}


@dataclass(slots=True)
class Block:
    """The rows of one MLLM, its own rows first."""

    mllm: str
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """A column per benchmark (and for their average), a block per MLLM."""

    columns: list[str]
    blocks: list[Block]

    @property
    def rows(self) -> list[Row]:
        """All rows, in order."""
        return [row for block in self.blocks for row in block.rows]

    def cells(self) -> list[Cell]:
        """All scores of ours that are shown."""
        rows = [row.cells() for row in self.rows]
        return [cells[name] for cells in rows for name in self.columns if name in cells]


def build_table(
    cells: Iterable[Cell],
    columns: Sequence[str] | None = None,
    published: Sequence[PublishedRow] = (),
    seed: int = 0,
) -> Table:
    """Arrange cells: the paper's columns first, blocks and rows by name, base rows on top.

    columns: the columns to show, in this order; by default all with a score, and, if one of them is
    in the paper, the paper's seven with their average. published: rows of the paper to add.
    seed: of the bootstrap. Raises UnknownNameError for a column without a score.
    """
    cells = list(cells)
    names = {cell.benchmark for cell in cells}
    names |= {name for row in published for name in row.values if name != AVERAGE}
    shown = check_columns(columns, names) if columns else default_columns(names)
    blocks: dict[str, list[Row]] = {}
    for row in _own_rows(cells, seed):
        blocks.setdefault(row.mllm or NO_MLLM, []).append(row)
    for title in blocks:
        blocks[title].sort(key=_sort_key)
    table = Table(shown, [])
    for title in sorted(blocks, key=lambda name: (name == NO_MLLM, name)):
        _set_labels(blocks[title])
        table.blocks.append(Block(title, blocks[title]))
    _add_published(table, published)
    for block in table.blocks:
        for row in block.rows:
            _average(row, shown)
        _compare(block.rows)
        _mark_best(block.rows, shown)
    return table


def _own_rows(cells: Iterable[Cell], seed: int) -> list[Row]:
    rows: dict[tuple[str | None, ...], Row] = {}
    for cell in cells:
        key = (
            cell.mllm,
            cell.reasoner,
            cell.variant,
            cell.prompts,
            cell.profile,
            cell.settings_hash,
        )
        new = Row(*key[:5], cell.seed, cell.settings_hash)
        row = rows.setdefault(key, new)
        row.entries[cell.benchmark] = score_entry(cell, seed)
    return list(rows.values())


def score_entry(cell: Cell, seed: int) -> Entry:
    """A score with its interval: Wilson's if every unit is a verdict, else by the bootstrap."""
    score = cell.score
    if score.value is None:
        return Entry(None, cell=cell)
    units = list(score.units.values())
    low, high = _interval(score, units, seed)
    return Entry(score.value, (100 * low, 100 * high), 100 * standard_error(units), cell)


def _interval(score: Score, units: list[float], seed: int) -> Interval:
    if score.metric == "accuracy" and set(units) <= {0.0, 1.0}:
        return wilson(round(sum(units)), len(units))
    return bootstrap(units, seed)


def _sort_key(row: Row) -> tuple[bool, str, bool, str, str, str, str]:
    default_last = row.variant == DEFAULT_VARIANT
    settings = (row.variant, row.prompts, row.profile, row.settings_hash)
    return (row.reasoner is not None, row.reasoner or "", default_last, *settings)


def _label(row: Row) -> str:
    """The model, with its settings that are not the defaults."""
    settings = []
    if row.reasoner and row.mllm and row.variant != DEFAULT_VARIANT:
        settings.append(row.variant)
    if row.prompts != DEFAULT_PROMPTS:
        settings.append(f"{row.prompts} prompts")
    if row.profile != DEFAULT_PROFILE:
        settings.append(f"scored by {row.profile}")
    name = f"+ {row.reasoner}" if row.reasoner else row.mllm or NO_MLLM
    return name + (f" ({', '.join(settings)})" if settings else "")


def _set_labels(rows: list[Row]) -> None:
    """Label the rows; those with the same label also say in which settings they differ."""
    by_label: dict[str, list[Row]] = {}
    for row in rows:
        by_label.setdefault(_label(row), []).append(row)
    for label, same in by_label.items():
        if len(same) == 1:
            same[0].label = label
            continue
        different = distinctions([list(row.cells().values()) for row in same])
        for row, settings in zip(same, different, strict=True):
            row.label = f"{label} [{settings}]"


def _add_published(table: Table, published: Sequence[PublishedRow]) -> None:
    """Add the paper's rows: below ours in the same block, and its other blocks after ours."""
    by_name = {block.mllm: block for block in table.blocks}
    for line in published:
        if line.group not in by_name:
            by_name[line.group] = Block(line.group)
            table.blocks.append(by_name[line.group])
        alone = bool(line.mllm) and not line.reasoner
        row = Row(
            mllm=line.mllm or line.group,
            reasoner=None if alone else line.reasoner or line.model,
            variant="qa" if alone else DEFAULT_VARIANT,
            prompts="",
            profile="",
            seed="",
            settings_hash="",
            source=PAPER,
            label=f"{line.model if alone else '+ ' + line.model} †",
            entries={name: Entry(value) for name, value in line.values.items()},
        )
        by_name[line.group].rows.append(row)


def _average(row: Row, columns: Sequence[str]) -> None:
    """Add the unweighted mean if all of its benchmarks are complete; the paper's own mean stays."""
    if row.source == PAPER and average_name(columns) == AVERAGE:
        return
    row.entries.pop(AVERAGE, None)
    names, complete = averaged(columns), row.complete
    if not names or any(name not in complete for name in names):
        return
    parts = [(complete[name].value or 0.0, complete[name].error) for name in names]
    mean = sum(value for value, _ in parts) / len(parts)
    row.entries[AVERAGE] = Entry(mean, None if row.source == PAPER else mean_interval(parts))


def _compare(rows: list[Row]) -> None:
    """Add the differences to the rows whose tentative answers were read, on the same samples."""
    for row in rows:
        if row.reasoner is None:
            continue
        for name, entry in row.entries.items():
            base = base_of(row, name, rows)
            own = base.entries.get(name) if base else None
            if own and own.value is not None and entry.value is not None and same_units(entry, own):
                entry.difference = entry.value - own.value


def base_of(row: Row, column: str, rows: Iterable[Row]) -> Row | None:
    """The MLLM's own row, scored by the same profile, to which a row's difference is.

    It is the row whose answers the reasoner read; if that is unknown, the only one in `rows`.
    """
    bases = [
        other
        for other in rows
        if other.reasoner is None and (other.source, other.profile) == (row.source, row.profile)
    ]
    entry = row.entries.get(column)
    if entry is None:
        return None
    read = {entry.cell.base} if entry.cell else {cell.base for cell in row.cells().values()}
    known = [base for base in bases if base.settings_hash in read]
    return known[0] if known else bases[0] if len(bases) == 1 else None


def same_units(first: Entry, second: Entry) -> bool:
    """Whether two scores are on the same samples; averages and the paper's scores always are."""
    if first.cell is None or second.cell is None:
        return True
    return first.cell.score.units.keys() == second.cell.score.units.keys()


def _mark_best(rows: list[Row], columns: Sequence[str]) -> None:
    """Mark the highest scores of each column, rounded as they are shown, among several rows."""
    for source in (OURS, PAPER):
        comparable = [
            row for row in rows if row.source == source and row.profile in ("", DEFAULT_PROFILE)
        ]
        for name in columns:
            entries = [row.complete[name] for row in comparable if name in row.complete]
            if len(entries) < 2:
                continue
            top = max(round(entry.value or 0.0, 1) for entry in entries)
            for entry in entries:
                entry.best = round(entry.value or 0.0, 1) == top
