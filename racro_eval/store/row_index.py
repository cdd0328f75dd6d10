"""Where the rows of a file are, and whether they can be reused, in about 150 bytes per row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from struct import Struct

from racro_eval.store.records import clean

_PACKED = Struct("<QI32s??")

LOGPROBS_COLUMN = "token_logprobs"
"""An optional column: the log-probability of each generated token, as a JSON list."""


@dataclass(frozen=True, slots=True)
class RowState:
    """Where a row is in the file (offset and length in bytes), and whether it can be reused.

    prompt_sha256: in hex; zeros if the row has no valid one. failed: the row has an error.
    logprobs: the row has the log-probabilities of its tokens.
    """

    index: str
    draw: int
    offset: int
    length: int
    prompt_sha256: str
    failed: bool
    logprobs: bool


class RowIndex:
    """The states of the rows that count, by index and draw, in file order."""

    def __init__(self) -> None:
        self._states: dict[str, bytes] = {}
        self._superseded = False

    def __len__(self) -> int:
        return len(self._states)

    def __iter__(self) -> Iterator[RowState]:
        return (_unpack(name, state) for name, state in self._states.items())

    def get(self, index: str, draw: int) -> RowState | None:
        """The row's state, or None if there is no such row. Indices are compared as stored."""
        name = _name(index, draw)
        state = self._states.get(name)
        return None if state is None else _unpack(name, state)

    def put(self, row: Mapping[str, str], offset: int, length: int) -> None:
        """Register a row of the file; it replaces an earlier one with the same index and draw."""
        name = _name(row["index"], int(row["sample"]))
        # Re-inserting keeps the file order: the last row of an index and draw counts.
        self._superseded |= self._states.pop(name, None) is not None
        try:
            sha256 = bytes.fromhex(row["prompt_sha256"])
        except ValueError:
            sha256 = b""
        logprobs = bool(row.get(LOGPROBS_COLUMN))
        self._states[name] = _PACKED.pack(offset, length, sha256, row["error"] != "", logprobs)

    def in_order(self, order: Iterable[str]) -> Iterator[RowState] | None:
        """The states sorted by this order of index values, others at the end, and by draw.

        None if the file is already in this order and has no row that was replaced.
        """
        positions = {clean(index): number for number, index in enumerate(order)}

        def sort_key(name: str) -> tuple[int, int]:
            draw, _, index = name.partition(" ")
            return positions.get(index, len(positions)), int(draw)

        names = sorted(self._states, key=sort_key)
        if not self._superseded and names == list(self._states):
            return None
        return (_unpack(name, self._states[name]) for name in names)


def _name(index: str, draw: int) -> str:
    return f"{draw} {clean(index)}"  # a string takes half the memory of a tuple


def _unpack(name: str, state: bytes) -> RowState:
    draw, _, index = name.partition(" ")
    offset, length, sha256, failed, logprobs = _PACKED.unpack(state)
    return RowState(index, int(draw), offset, length, sha256.hex(), failed, logprobs)
