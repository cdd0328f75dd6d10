"""Which benchmarks a table shows, and of which of them its average is the mean."""

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
"""The seven benchmarks of the paper's table in its order, and what it calls them."""


def default_columns(names: Iterable[str]) -> list[str]:
    """The columns that scores of these benchmarks ask for."""
    names = set(names)
    paper = [*PAPER_COLUMNS, AVERAGE] if names & set(PAPER_COLUMNS) else []
    return [*paper, *sorted(names - set(PAPER_COLUMNS))]


def average_name(columns: Sequence[str]) -> str:
    """AVG means the paper's seven; the mean of another selection says of how many it is."""
    benchmarks = [name for name in columns if name in PAPER_COLUMNS]
    others = [name for name in columns if name not in PAPER_COLUMNS and name != AVERAGE]
    whole = len(benchmarks) == len(PAPER_COLUMNS) or not (benchmarks or others)
    return AVERAGE if whole else f"{AVERAGE} of {len(benchmarks) + len(others)}"


def check_columns(columns: Sequence[str], names: set[str]) -> list[str]:
    """The columns, each once. Raises UnknownNameError for one that has no score."""
    known = [*sorted(names | set(PAPER_COLUMNS)), AVERAGE]
    for name in columns:
        if name not in known:
            raise UnknownNameError("column", name, known, f"There are: {', '.join(known)}.")
    return list(dict.fromkeys(columns))


def averaged(columns: Sequence[str]) -> list[str]:
    """The benchmarks whose mean the column AVG gives, when these columns are shown."""
    if average_name(columns) == AVERAGE:
        return list(PAPER_COLUMNS)
    return [name for name in columns if name != AVERAGE]
