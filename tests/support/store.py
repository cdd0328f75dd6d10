"""Rows and files of the store, for its tests."""

from __future__ import annotations

from pathlib import Path

from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.row_table import RowTable
from racro_eval.store.row_writer import RowWriter


def row(index: str, prediction: str = "text", sample: int = 0, **more: str) -> dict[str, str]:
    """A row of model calls."""
    values = dict.fromkeys(CALL_COLUMNS, "")
    return {**values, "index": index, "sample": str(sample), "prediction": prediction, **more}


def write(path: Path, *rows: dict[str, str]) -> None:
    """Append rows, as a run of its own does."""
    with RowWriter(path, CALL_COLUMNS) as table:
        for values in rows:
            table.append(values)


def predictions(path: Path) -> dict[str, str]:
    """index → prediction of all rows that a reader sees."""
    with RowTable(path, CALL_COLUMNS) as table:
        return {values["index"]: values["prediction"] for values in table.rows()}
