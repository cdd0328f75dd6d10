"""Text for a terminal, and a picture of it for a README."""

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

_UNLIMITED_WIDTH = 10_000
"""A console so wide that nothing is wrapped."""
_GAP = 3
"""Characters between two columns of a table."""


def render(document: Document) -> dict[str, bytes]:
    """The text without colours, as wide as necessary."""
    return {".txt": _recorded(document).export_text().encode()}


def picture(document: Document) -> dict[str, bytes]:
    """The coloured text as SVG, without references to fonts on the web."""
    text = _recorded(document).export_svg(title="racro-eval leaderboard", unique_id="leaderboard")
    return {".svg": re.sub(r"@font-face \{.*?\}\s*", "", text, flags=re.DOTALL).encode()}


def renderables(document: Document, width: int = _UNLIMITED_WIDTH) -> Iterator[RenderableType]:
    """The objects for a rich console; a sheet that is wider than the console is split."""
    from rich.text import Text

    for sheet in document.sheets:
        for places in _parts(sheet, width):
            yield _table(sheet, places)
    for note in document.notes:
        yield Text(printable(note), style="dim")


def _parts(sheet: Sheet, width: int) -> Iterator[range]:
    """Ranges of columns, each as long as fits beside the labels."""
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
    scores = (_width(field.text) + (field.difference is not None) * difference for field in fields)
    return max([*map(_width, texts), *scores])


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(printable(text))


def _table(sheet: Sheet, places: range) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    title = Text(printable(sheet.title), style="bold") if sheet.title else None
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column(Text(printable(sheet.label)), overflow="fold")
    for column in (sheet.columns[place] for place in places):
        heading = Text(printable(column.title))
        if column.small:
            heading.append(f"\n{printable(column.small)}", style="dim not bold")
        table.add_column(heading, justify="left" if column.text else "right", overflow="fold")
    for block in sheet.blocks:
        for line in block:
            label = Text(printable(line.label), style="bold" if line.strong else "")
            table.add_row(label, *(_text(line.fields[place]) for place in places))
        table.add_section()
    return table


def _text(field: Field) -> Text:
    from rich.text import Text

    text = Text(printable(field.text), style="dim" if field.text == "-" else "")
    if field.best:
        text.stylize("bold")
    if field.difference is not None:
        # The rounded number decides, so that "+0.0" is not shown as a loss.
        style = "red" if round(field.difference, 1) < 0 else "green"
        text.append(f" ({field.difference:+.1f})", style=f"not bold {style}")
    if field.small:
        text.append(f"\n{printable(field.small)}", style="not bold dim")
    return text


def _recorded(document: Document) -> Console:
    """A console, no wider than necessary, on which the document was printed."""
    from rich.console import Console
    from rich.measure import Measurement

    wide = Console(width=_UNLIMITED_WIDTH, file=io.StringIO())
    parts = list(renderables(document))
    tables = parts[: len(document.sheets)]
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
    for part in parts:
        console.print(part)
    return console
