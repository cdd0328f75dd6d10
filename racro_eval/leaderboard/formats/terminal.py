"""For a terminal, and the terminal's picture for a README."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from racro_eval.leaderboard.document import Document, Field, Sheet
from racro_eval.printable import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

_WIDE = 400
"""Columns where nothing is folded."""


def render(document: Document) -> dict[str, bytes]:
    """The text without colours, as wide as it needs."""
    return {".txt": _recorded(document).export_text().encode()}


def picture(document: Document) -> dict[str, bytes]:
    """The coloured text as SVG. It names no font to be fetched."""
    text = _recorded(document).export_svg(title="racro-eval leaderboard", unique_id="leaderboard")
    return {".svg": re.sub(r"@font-face \{.*?\}\s*", "", text, flags=re.DOTALL).encode()}


def renderables(document: Document) -> Iterator[RenderableType]:
    """What a rich console prints."""
    from rich.text import Text

    for sheet in document.sheets:
        yield _table(sheet)
    for note in document.notes:
        yield Text(printable(note), style="dim")


def _table(sheet: Sheet) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    title = Text(printable(sheet.title), style="bold") if sheet.title else None
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    shown.add_column(Text(printable(sheet.label)), overflow="fold")
    for column in sheet.columns:
        heading = Text(printable(column.title))
        if column.small:
            heading.append(f"\n{printable(column.small)}", style="dim not bold")
        shown.add_column(heading, justify="left" if column.text else "right", overflow="fold")
    for block in sheet.blocks:
        for line in block:
            label = Text(printable(line.label), style="bold" if line.strong else "")
            shown.add_row(label, *map(_text, line.fields))
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
