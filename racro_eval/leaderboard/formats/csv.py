"""CSV, tidy and wide."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from racro_eval.common.printable import printable
from racro_eval.leaderboard.document import Document, Value

_FORMULA = re.compile(r"[\s'\"`]*[=+\-@\uff1d\uff0b\uff0d\uff20\u2212]")
"""The start of a formula for a spreadsheet. Some spreadsheets remove blanks and quotes in front of
it, and some accept the fullwidth form of a sign. Names come from users."""
_ESCAPED = re.compile(r"^(?:\s|\\x[0-9a-f]{2}|\\u[0-9a-f]{4})+")
"""Characters at the start that `printable` has escaped; a reader may decode them."""


def render(document: Document) -> dict[str, bytes]:
    """A line per record; floats have four decimals."""
    names = list(document.records[0]) if document.records else []
    lines = [[record[name] for name in names] for record in document.records]
    return {".csv": _csv([names, *lines])}


def wide(document: Document) -> dict[str, bytes]:
    """A line per line of the sheets; several sheets are distinguished by their titles."""
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
    if not isinstance(value, str):
        return "" if value is None else str(value)
    # In one line, because some readers treat each line of a cell as a line of the table.
    text = " ".join(re.split(r"[\t\n]+", printable(value)))
    text = re.sub(r"^\+ ", "with ", text)
    return f"'{text}" if _FORMULA.match(_ESCAPED.sub("", text)) else text
