"""Formats: from a document to bytes. A format is a function here and a line in the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from racro_eval.errors import UnknownNameError
from racro_eval.leaderboard.document import Document

Files = dict[str, bytes]
"""What the end of a file's name is → its content; the same for the same document."""


@dataclass(frozen=True, slots=True)
class Format:
    """A way to show a document. module: where its `render` is, loaded when it is used."""

    name: str
    about: str
    module: str
    function: str = "render"
    binary: bool = False
    """Whether it makes files only, nothing for a terminal."""

    def render(self, document: Document) -> Files:
        """The document's files. Raises ConfigError or MissingError.

        Every format shows texts as `printable` gives them: without secrets, steering or hiding.
        """
        home = import_module(f"racro_eval.leaderboard.formats.{self.module}")
        make: Callable[[Document], Files] = getattr(home, self.function)
        return make(document)


FORMATS = {
    form.name: form
    for form in (
        Format("rich", "text for a terminal", "terminal"),
        Format("md", "GitHub Markdown", "markdown"),
        Format("csv", "tidy CSV: a line per cell, with all numbers", "csv"),
        Format("wide", "CSV in the shape of the table", "csv", "wide"),
        Format("tex", "LaTeX document with a booktabs table", "latex"),
        Format("html", "one page, sortable, without any other file", "html"),
        Format("json", "the tidy records with the notes", "json"),
        Format("svg", "picture of the terminal's table", "terminal", "picture"),
        Format("figures", "plots as PNG and SVG (extra figures)", "figures", binary=True),
    )
}
"""All formats by name."""


def find_format(name: str) -> Format:
    """The format of that name. Raises UnknownNameError, which tells all."""
    if name not in FORMATS:
        raise UnknownNameError("format", name, FORMATS, f"There are: {', '.join(FORMATS)}.")
    return FORMATS[name]
