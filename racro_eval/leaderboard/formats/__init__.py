"""Formats: from a document to bytes. One is a function in a module here and a line below, or an
entry point of another package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from racro_eval.common.registry import Registry, load_object
from racro_eval.leaderboard.document import Document

Files = dict[str, bytes]
"""What the end of a file's name is → its content; the same for the same document."""


@dataclass(frozen=True, slots=True)
class Format:
    """A way to show a document. function: "module:function", imported when it is used."""

    about: str
    function: str
    binary: bool = False
    """Whether it makes files only, nothing for a terminal."""

    def render(self, document: Document) -> Files:
        """The document's files. Raises ConfigError or MissingError.

        Formats show texts as `printable` returns them, without secrets and control characters.
        """
        make: Callable[[Document], Files] = load_object(self.function)
        return make(document)


_HERE = "racro_eval.leaderboard.formats"
FORMATS: Registry[Format] = Registry(
    "formats",
    "format",
    Format,
    {
        "rich": Format("text for a terminal", f"{_HERE}.terminal:render"),
        "md": Format("GitHub Markdown", f"{_HERE}.markdown:render"),
        "csv": Format("tidy CSV: a line per cell, with all numbers", f"{_HERE}.csv:render"),
        "wide": Format("CSV in the shape of the table", f"{_HERE}.csv:wide"),
        "tex": Format("LaTeX document with a booktabs table", f"{_HERE}.latex:render"),
        "html": Format("one page, sortable, without any other file", f"{_HERE}.html:render"),
        "json": Format("the tidy records with the notes", f"{_HERE}.json:render"),
        "svg": Format("picture of the terminal's table", f"{_HERE}.terminal:picture"),
        "figures": Format(
            "plots as PNG and SVG (extra figures)", f"{_HERE}.figures:render", binary=True
        ),
    },
)
