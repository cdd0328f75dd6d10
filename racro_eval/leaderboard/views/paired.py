"""Pairs of rows on the same samples, with tests whether their difference is by chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

from racro_eval.errors import MissingError
from racro_eval.leaderboard.collect import Cell
from racro_eval.leaderboard.document import Column, Document, Field, Line, Record, Sheet, number
from racro_eval.leaderboard.statistics import (
    Interval,
    bootstrap,
    deviation,
    holm,
    mcnemar,
    minimum_detectable,
    sign_flip,
)
from racro_eval.leaderboard.table import PAPER, Row, Table, base_of
from racro_eval.leaderboard.views.board import notes

PAIRINGS = ("base", "all")
"""Each row with its MLLM's own row; or any two rows of the table."""
NOTE = (
    "Difference: the first row minus the second in points, with its 95 % interval (paired "
    "bootstrap). p: exact McNemar test where every unit is a verdict, else a randomisation test "
    "of signs. p (Holm): adjusted over all {tests} tests here. Detectable: the smallest true "
    "difference that such a test finds in four of five repetitions."
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two rows on one benchmark. Differences are the first row's minus the second's, in 0..1."""

    benchmark: str
    first: Row
    second: Row
    cells: tuple[Cell, Cell]
    n: int
    only_first: int
    only_second: int
    difference: float
    interval: Interval
    p: float
    test: str
    detectable: float


def paired(table: Table, pairing: str = "base", seed: int = 0) -> Document:
    """The document of all pairs. Raises MissingError if no pair is on the same samples."""
    comparisons = [
        compare(name, first, second, seed)
        for name in table.columns
        for first, second in _pairs(table, name, pairing)
        if _comparable(first, second, name)
    ]
    if not comparisons:
        raise MissingError(
            "No two rows can be compared: a pair needs the same samples of a benchmark, scored by "
            "the same profile; --paired base also needs the MLLM's own answers (--variant qa)."
        )
    adjusted = zip(comparisons, holm([pair.p for pair in comparisons]), strict=True)
    by_benchmark: dict[str, list[tuple[Comparison, float]]] = {}
    for pair, p in adjusted:
        by_benchmark.setdefault(pair.benchmark, []).append((pair, p))
    sheets, records = [], []
    for name, pairs in by_benchmark.items():
        lines = [_line(pair, p) for pair, p in pairs]
        sheets.append(Sheet(_title(name, pairs[0][0]), "Rows", _COLUMNS, [lines]))
        records += [_record(pair, p) for pair, p in pairs]
    note = NOTE.format(tests=len(comparisons))
    return Document("paired", "Paired comparisons", sheets, records, [note, *notes(table)[1:]])


def _pairs(table: Table, name: str, pairing: str) -> Iterator[tuple[Row, Row]]:
    if pairing == "all":
        yield from ((second, first) for first, second in combinations(table.rows, 2))
        return
    for block in table.blocks:
        for row in block.rows:
            base = base_of(row, name, block.rows) if row.reasoner else None
            if base:
                yield row, base


def _comparable(first: Row, second: Row, name: str) -> bool:
    if PAPER in (first.source, second.source) or first.profile != second.profile:
        return False
    cells = (first.cells().get(name), second.cells().get(name))
    scores = [cell.score for cell in cells if cell and cell.score.value is not None]
    return len(scores) == 2 and scores[0].units.keys() == scores[1].units.keys() != set()


def compare(name: str, first: Row, second: Row, seed: int = 0) -> Comparison:
    """Compare two rows on a benchmark with the same units of both."""
    cells = (first.cells()[name], second.cells()[name])
    first_units, second_units = (cell.score.units for cell in cells)
    pairs = [(first_units[unit], second_units[unit]) for unit in sorted(first_units)]
    differences = [a - b for a, b in pairs]
    only_first = sum(a > b for a, b in pairs)
    only_second = sum(a < b for a, b in pairs)
    verdicts = {value for pair in pairs for value in pair} <= {0.0, 1.0}
    n = len(pairs)
    return Comparison(
        benchmark=name,
        first=first,
        second=second,
        cells=cells,
        n=n,
        only_first=only_first,
        only_second=only_second,
        difference=sum(differences) / n,
        interval=bootstrap(differences, seed),
        p=mcnemar(only_first, only_second) if verdicts else sign_flip(differences, seed),
        test="mcnemar" if verdicts else "sign flip",
        detectable=minimum_detectable(deviation(differences), n),
    )


def _title(name: str, pair: Comparison) -> str:
    unpaired = 100 * minimum_detectable(sqrt(0.5), pair.n)
    return f"{name}: n={pair.n}; two runs on other samples must differ by {unpaired:.1f} points"


_COLUMNS = [
    Column("difference"),
    Column("95 % interval"),
    Column("only first", "better"),
    Column("only second", "better"),
    Column("p"),
    Column("p (Holm)"),
    Column("detectable"),
]


def _line(pair: Comparison, adjusted: float) -> Line:
    low, high = pair.interval
    fields = [
        Field(f"{100 * pair.difference:+.1f}", 100 * pair.difference, best=adjusted < 0.05),
        Field(f"{100 * low:+.1f} to {100 * high:+.1f}", 100 * low),
        Field(str(pair.only_first), pair.only_first),
        Field(str(pair.only_second), pair.only_second),
        _p(pair.p),
        _p(adjusted),
        number(100 * pair.detectable),
    ]
    return Line(f"{_name(pair.first)} vs {_name(pair.second)}", fields)


def _name(row: Row) -> str:
    return f"{row.mllm} {row.label}" if row.reasoner and row.mllm else row.label


def _p(value: float) -> Field:
    return Field("<0.0001" if value < 0.0001 else f"{value:.4f}", value)


def _record(pair: Comparison, adjusted: float) -> Record:
    return {
        "benchmark": pair.benchmark,
        "first": _name(pair.first),
        "second": _name(pair.second),
        "profile": pair.first.profile,
        "n": pair.n,
        "difference": 100 * pair.difference,
        "low": 100 * pair.interval[0],
        "high": 100 * pair.interval[1],
        "only_first": pair.only_first,
        "only_second": pair.only_second,
        "test": pair.test,
        "p": pair.p,
        "p_holm": adjusted,
        "detectable": 100 * pair.detectable,
        "first_key": pair.cells[0].key,
        "second_key": pair.cells[1].key,
    }
