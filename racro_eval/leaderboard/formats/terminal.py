"""For a terminal, and the terminal's picture for a README."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from racro_eval.common.printable import printable
from racro_eval.leaderboard.document import Document, Field, Sheet

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

_WIDE = 10_000
"""Columns where nothing is folded."""
_GAP = 3
"""Columns between two columns of a table."""


def render(document: Document) -> dict[str, bytes]:
    """The text without colours, as wide as it needs."""
    return {".txt": _recorded(document).export_text().encode()}


def picture(document: Document) -> dict[str, bytes]:
    """The coloured text as SVG. It names no font to be fetched."""
    text = _recorded(document).export_svg(title="racro-eval leaderboard", unique_id="leaderboard")
    return {".svg": re.sub(r"@font-face \{.*?\}\s*", "", text, flags=re.DOTALL).encode()}


def renderables(document: Document, width: int = _WIDE) -> Iterator[RenderableType]:
    """What a rich console prints; a sheet that is wider than the console comes in several parts."""
    from rich.text import Text

    for sheet in document.sheets:
        for places in _parts(sheet, width):
            yield _table(sheet, places)
    for note in document.notes:
        yield Text(printable(note), style="dim")


def _parts(sheet: Sheet, width: int) -> Iterator[range]:
    """The columns that fit beside the labels, as many at a time as the width allows."""
    label = max([_width(sheet.label), *(_width(line.label) for line in sheet.lines)])
    start, used = 0, label
    for place in range(len(sheet.columns)):
        needed = _GAP + _column_width(sheet, place)
        if used + needed > width - _GAP and place > start:
            yield range(start, place)
            start, used = place, label
        used += needed
    yield range(start, len(sheet.columns))


def _column_width(sheet: Sheet, place: int) -> int:
    column = sheet.columns[place]
    fields = [line.fields[place] for line in sheet.lines]
    texts = [column.title, column.small, *(field.small for field in fields)]
    difference = len(" (+10.0)")
    scores = (_width(one.text) + (one.difference is not None) * difference for one in fields)
    return max([*map(_width, texts), *scores])


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(printable(text))


def _table(sheet: Sheet, places: range) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    title = Text(printable(sheet.title), style="bold") if sheet.title else None
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    shown.add_column(Text(printable(sheet.label)), overflow="fold")
    for column in (sheet.columns[place] for place in places):
        heading = Text(printable(column.title))
        if column.small:
            heading.append(f"\n{printable(column.small)}", style="dim not bold")
        shown.add_column(heading, justify="left" if column.text else "right", overflow="fold")
    for block in sheet.blocks:
        for line in block:
            label = Text(printable(line.label), style="bold" if line.strong else "")
            shown.add_row(label, *(_text(line.fields[place]) for place in places))
        shown.add_section()
    return shown


def _text(field: Field) -> Text:
    from rich.text import Text

    text = Text(printable(field.text), style="dim" if field.text == "-" else "")
    if field.best:
        text.stylize("bold")
    if field.difference is not None:
        # The rounded number decides, so that a difference of "+0.0" is no loss.
        style = "red" if round(field.difference, 1) < 0 else "green"
        text.append(f" ({field.difference:+.1f})", style=f"not bold {style}")
    if field.small:
        text.append(f"\n{printable(field.small)}", style="not bold dim")
    return text


def _recorded(document: Document) -> Console:
    """A console on which the document was printed, no wider than it needs."""
    from rich.console import Console
    from rich.measure import Measurement

    wide = Console(width=_WIDE, file=io.StringIO())
    shown = list(renderables(document))
    tables = shown[: len(document.sheets)]
    width = max([Measurement.get(wide, wide.options, table).maximum for table in tables] or [80])
    console = Console(
        width=max(width, 60) + 1,
        record=True,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        highlight=False,
    )
    for part in shown:
        console.print(part)
    return console
