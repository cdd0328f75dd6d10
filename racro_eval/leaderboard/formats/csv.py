"""CSV, tidy and wide."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from racro_eval.leaderboard.document import Document, Value

_FORMULA = re.compile(r"[=+\-@\t\r]")
"""How a spreadsheet thinks that a formula starts; names come from users."""


def render(document: Document) -> dict[str, bytes]:
    """A line per record, all numbers with four decimals."""
    names = list(document.records[0]) if document.records else []
    lines = [[record[name] for name in names] for record in document.records]
    return {".csv": _csv([names, *lines])}


def wide(document: Document) -> dict[str, bytes]:
    """A line per line of the sheets, which are told apart by their titles."""
    titled = any(sheet.title for sheet in document.sheets)
    lines: list[Sequence[Value]] = []
    for sheet in document.sheets:
        first: list[Value] = [sheet.title] if titled else []
        heads = [column.title for column in sheet.columns]
        lines.append([*(["table"] if titled else []), sheet.label, *heads])
        lines += [
            [*first, line.label, *(field.value for field in line.fields)] for line in sheet.lines
        ]
    return {".csv": _csv(lines)}


def _csv(lines: Iterable[Sequence[Value]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([map(_text, line) for line in lines])
    return buffer.getvalue().encode()


def _text(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    text = re.sub(r"^\+ ", "with ", "" if value is None else str(value))
    return f"'{text}" if isinstance(value, str) and _FORMULA.match(text) else text
