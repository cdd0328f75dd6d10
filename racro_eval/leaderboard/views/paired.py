"""Pairs of rows on the same samples: is the difference more than chance?"""

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
"""Each row with its MLLM's own; or every two rows of the table."""
NOTE = (
    "Difference: the first row minus the second in points, with its 95 % interval (paired "
    "bootstrap). p: exact McNemar test where every unit is a verdict, else a randomisation test "
    "of signs. p (Holm): adjusted over all {tests} tests here. Detectable: the smallest true "
    "difference that such a test finds in four of five repetitions."
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two rows on one benchmark. Differences are in 0..1, the first row's minus the second's."""

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
    """The document of all pairs. Raises MissingError if there is none on the same samples."""
    found = [
        compare(name, first, second, seed)
        for name in table.columns
        for first, second in _pairs(table, name, pairing)
        if _comparable(first, second, name)
    ]
    if not found:
        raise MissingError(
            "No two rows can be compared: a pair needs the same samples of a benchmark, scored by "
            "the same profile; --paired base needs the MLLM's own answers too (--variant qa)."
        )
    adjusted = holm([one.p for one in found])
    sheets, records = [], []
    for name in dict.fromkeys(one.benchmark for one in found):
        mine = [(one, p) for one, p in zip(found, adjusted, strict=True) if one.benchmark == name]
        sheets.append(
            Sheet(_title(name, mine[0][0]), "Rows", _COLUMNS, [[_line(*m) for m in mine]])
        )
        records += [_record(*one) for one in mine]
    note = NOTE.format(tests=len(found))
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
    """Compare two rows on a benchmark of which both have the same units."""
    cells = (first.cells()[name], second.cells()[name])
    one, two = (cell.score.units for cell in cells)
    pairs = [(one[unit], two[unit]) for unit in sorted(one)]
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


def _title(name: str, one: Comparison) -> str:
    apart = 100 * minimum_detectable(sqrt(0.5), one.n)
    return f"{name}: n={one.n}; two runs on other samples must differ by {apart:.1f} points"


_COLUMNS = [
    Column("difference"),
    Column("95 % interval"),
    Column("only first", "better"),
    Column("only second", "better"),
    Column("p"),
    Column("p (Holm)"),
    Column("detectable"),
]


def _line(one: Comparison, adjusted: float) -> Line:
    low, high = one.interval
    fields = [
        Field(f"{100 * one.difference:+.1f}", 100 * one.difference, best=adjusted < 0.05),
        Field(f"{100 * low:+.1f} to {100 * high:+.1f}", 100 * low),
        Field(str(one.only_first), one.only_first),
        Field(str(one.only_second), one.only_second),
        _p(one.p),
        _p(adjusted),
        number(100 * one.detectable),
    ]
    return Line(f"{_name(one.first)} vs {_name(one.second)}", fields)


def _name(row: Row) -> str:
    return f"{row.mllm} {row.label}" if row.reasoner and row.mllm else row.label


def _p(value: float) -> Field:
    return Field("<0.0001" if value < 0.0001 else f"{value:.4f}", value)


def _record(one: Comparison, adjusted: float) -> Record:
    return {
        "benchmark": one.benchmark,
        "first": _name(one.first),
        "second": _name(one.second),
        "profile": one.first.profile,
        "n": one.n,
        "difference": 100 * one.difference,
        "low": 100 * one.interval[0],
        "high": 100 * one.interval[1],
        "only_first": one.only_first,
        "only_second": one.only_second,
        "test": one.test,
        "p": one.p,
        "p_holm": adjusted,
        "detectable": 100 * one.detectable,
        "first_key": one.cells[0].key,
        "second_key": one.cells[1].key,
    }
