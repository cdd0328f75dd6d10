"""GitHub Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from racro_eval.common.printable import printable
from racro_eval.leaderboard.document import Document, Field, Sheet


def render(document: Document) -> dict[str, bytes]:
    """A table per sheet, the notes below."""
    parts = [part for sheet in document.sheets for part in _sheet(sheet)]
    # At the start of a line, these characters would make headings and lists.
    parts += [re.sub(r"^(?=[#=+-])", r"\\", escape(note)) for note in document.notes]
    return {".md": ("\n\n".join(parts) + "\n").encode()}


def _sheet(sheet: Sheet) -> Iterator[str]:
    if sheet.title:
        yield f"**{escape(sheet.title)}**"
    heads = [
        escape(column.title) + (f"<br><sub>{escape(column.small)}</sub>" if column.small else "")
        for column in sheet.columns
    ]
    lines = [
        f"| {escape(sheet.label)} | " + " | ".join(heads) + " |",
        "|---|" + "".join("---|" if column.text else "---:|" for column in sheet.columns),
    ]
    for line in sheet.lines:
        label = f"**{escape(line.label)}**" if line.strong else escape(line.label)
        lines.append(f"| {label} | " + " | ".join(map(_cell, line.fields)) + " |")
    yield "\n".join(lines)


def _cell(field: Field) -> str:
    text = escape(field.text)
    if field.best:
        text = f"**{text}**"
    if field.difference is not None:
        text += f" ({field.difference:+.1f})"
    return text + (f"<br><sub>{escape(field.small)}</sub>" if field.small else "")


def escape(text: str) -> str:
    """Text without Markdown or HTML, because names come from users."""
    text = printable(text)
    for character in "\\`*_{}[]<>|~$&":
        text = text.replace(character, f"\\{character}")
    text = text.replace("://", "\\://").replace("www.", "www\\.")  # GitHub would make links
    return " ".join(text.split())
