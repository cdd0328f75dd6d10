"""Splitting a run: shard i of N takes every N-th row of the selection, starting with the i-th.

The shards of a run may share a results folder: each writes its own files, and `merge` joins them.
The rows of a shard depend only on the benchmark and the selection, so a shard that is run again has
the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

_NOTATION = re.compile(r"([0-9]{1,9})/([0-9]{1,9})", re.ASCII)
_FILE = re.compile(r"(.+-[0-9a-f]{8})\.shard-([0-9]+)-of-([0-9]+)\.csv", re.ASCII)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard `number` (from 1) of `count` shards."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The shard for the notation `i/N`. Raises ValueError."""
        match = _NOTATION.fullmatch(text)
        number, count = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1 <= number <= count:
            raise ValueError(f"a shard is i/N with i from 1 to N, as in 1/4, not {text!r}")
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def select(self, rows: Sequence[Row]) -> Sequence[Row]:
        """This shard's part of the rows."""
        return rows[self.number - 1 :: self.count]

    def file_name(self, merged: str) -> str:
        """caption-1a2b3c4d.csv → caption-1a2b3c4d.shard-1-of-4.csv"""
        return f"{merged.removesuffix('.csv')}.shard-{self.number}-of-{self.count}.csv"

    @classmethod
    def from_path(cls, path: Path) -> tuple[Self, Path] | None:
        """The shard of a shard's file, and the path of the merged file; None for other files."""
        match = _FILE.fullmatch(path.name)
        if match is None:
            return None
        return cls(int(match[2]), int(match[3])), path.with_name(f"{match[1]}.csv")
