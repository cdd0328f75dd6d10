"""What every format shows: sheets of text with marks, and the numbers behind them as records.

A view of the results (the paper's table, its breakdowns, comparisons, ...) makes a document; a
format turns any document into bytes. Neither knows the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Value = str | int | float | None
Record = dict[str, Value]
"""One cell of a table: everything known of it under plain names."""


@dataclass(frozen=True, slots=True)
class Field:
    """One cell as it is shown.

    value: what it is sorted by and what a wide CSV holds. difference: shown in brackets, coloured
    by its sign. best: in bold. small: in small print below.
    """

    text: str
    value: Value = None
    difference: float | None = None
    best: bool = False
    small: str = ""


MISSING = Field("-")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a sheet. strong: a block's own first row."""

    label: str
    fields: list[Field]
    strong: bool = False

    @property
    def empty(self) -> bool:
        """Whether it only names what the lines below it belong to."""
        return all(field is MISSING for field in self.fields)


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, what it says in small print, and whether its cells are text."""

    title: str
    small: str = ""
    text: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: a column of labels, further columns, blocks of lines."""

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
    """A number to so many decimals, or the mark of a missing one."""
    return MISSING if value is None else Field(f"{value:.{decimals}f}", value)


def count(value: int | None) -> Field:
    """A whole number with separators of thousands."""
    return MISSING if value is None else Field(f"{value:,}", value)
