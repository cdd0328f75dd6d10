"""The benchmarks that a table shows, and those of which its average is the mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from racro_eval.errors import UnknownNameError
from racro_eval.leaderboard.published import AVERAGE

PAPER_COLUMNS = {
    "MathVista_MINI": "MathVista",
    "MathVision": "MathVision",
    "MathVerse_MINI_Vision_Only": "MathVerse",
    "MMMU_DEV_VAL": "MMMU",
    "WeMath": "WeMath",
    "DynaMath": "DynaMath",
    "LogicVista": "LogicVista",
}
"""The seven benchmarks of the paper's table, in its order, and their names there."""


def default_columns(names: Iterable[str]) -> list[str]:
    """The columns of a table with scores on these benchmarks."""
    names = set(names)
    paper = [*PAPER_COLUMNS, AVERAGE] if names & set(PAPER_COLUMNS) else []
    return [*paper, *sorted(names - set(PAPER_COLUMNS))]


def average_name(columns: Sequence[str]) -> str:
    """The name of the average: AVG for the paper's seven, "AVG of n" for another selection."""
    benchmarks = [name for name in columns if name in PAPER_COLUMNS]
    others = [name for name in columns if name not in PAPER_COLUMNS and name != AVERAGE]
    whole = len(benchmarks) == len(PAPER_COLUMNS) or not (benchmarks or others)
    return AVERAGE if whole else f"{AVERAGE} of {len(benchmarks) + len(others)}"


def check_columns(columns: Sequence[str], names: set[str]) -> list[str]:
    """The columns without duplicates. Raises UnknownNameError for one without a score."""
    known = [*sorted(names | set(PAPER_COLUMNS)), AVERAGE]
    for name in columns:
        if name not in known:
            raise UnknownNameError("column", name, known, f"There are: {', '.join(known)}.")
    return list(dict.fromkeys(columns))


def averaged(columns: Sequence[str]) -> list[str]:
    """The benchmarks whose mean is in the column AVG if these columns are shown."""
    if average_name(columns) == AVERAGE:
        return list(PAPER_COLUMNS)
    return [name for name in columns if name != AVERAGE]
