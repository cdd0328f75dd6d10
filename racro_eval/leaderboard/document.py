"""Documents: what every format shows. Sheets of marked text, and their numbers as records.

A view of the results (the paper's table, breakdowns, comparisons, ...) makes a document; a format
turns any document into bytes. Views and formats do not depend on each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Value = str | int | float | None
Record = dict[str, Value]
"""All values of one cell of a table, by name."""


@dataclass(frozen=True, slots=True)
class Field:
    """One cell as it is shown.

    value: for sorting, and in a wide CSV. difference: shown in brackets, coloured by its sign.
    best: whether it is bold. small: the small print below it.
    """

    text: str
    value: Value = None
    difference: float | None = None
    best: bool = False
    small: str = ""


MISSING = Field("-")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a sheet. strong: whether it is the first row of its block, in bold."""

    label: str
    fields: list[Field]
    strong: bool = False

    @property
    def empty(self) -> bool:
        """Whether it is only a heading for the lines below it."""
        return all(field is MISSING for field in self.fields)


@dataclass(frozen=True, slots=True)
class Column:
    """A column. title: its heading. small: small print in it. text: whether its cells are text."""

    title: str
    small: str = ""
    text: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: a column of labels (headed by `label`), further columns, and blocks of lines."""

    title: str
    label: str
    columns: list[Column]
    blocks: list[list[Line]]

    @property
    def lines(self) -> list[Line]:
        """All lines, in order."""
        return [line for block in self.blocks for line in block]


@dataclass(frozen=True, slots=True)
class Document:
    """A view of the results. name: of the view, for file names. records: all with the same keys."""

    name: str
    title: str
    sheets: list[Sheet]
    records: list[Record]
    notes: list[str] = field(default_factory=list)


def number(value: float | None, decimals: int = 1) -> Field:
    """A number with this many decimals, or the mark of a missing value."""
    return MISSING if value is None else Field(f"{value:.{decimals}f}", value)


def count(value: int | None) -> Field:
    """A whole number with thousands separators, or the mark of a missing value."""
    return MISSING if value is None else Field(f"{value:,}", value)
