"""Where the rows of a file lie, and what decides whether one is reused: about 150 bytes a row."""

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
    """Where a row lies (bytes), and what decides whether it is reused.

    prompt_sha256: in hex; zeros if what the row has there is none. logprobs: whether it has the
    log-probabilities of its tokens.
    """

    index: str
    sample: int
    offset: int
    length: int
    prompt_sha256: str
    failed: bool
    logprobs: bool


class RowIndex:
    """The states of the rows that count, by index and sample, in the order of the file."""

    def __init__(self) -> None:
        self._states: dict[str, bytes] = {}
        self._superseded = False

    def __len__(self) -> int:
        return len(self._states)

    def __iter__(self) -> Iterator[RowState]:
        return (_unpack(name, state) for name, state in self._states.items())

    def get(self, index: str, sample: int) -> RowState | None:
        """The row's state, or None if it is not there. The index is compared as it is stored."""
        name = _name(index, sample)
        state = self._states.get(name)
        return None if state is None else _unpack(name, state)

    def put(self, row: Mapping[str, str], offset: int, length: int) -> None:
        """Note a row of the file; it replaces an earlier one of the same index and sample."""
        name = _name(row["index"], int(row["sample"]))
        # Re-inserting keeps the order of the file: the row that counts is the last one.
        self._superseded |= self._states.pop(name, None) is not None
        try:
            sha256 = bytes.fromhex(row["prompt_sha256"])
        except ValueError:
            sha256 = b""
        logprobs = bool(row.get(LOGPROBS_COLUMN))
        self._states[name] = _PACKED.pack(offset, length, sha256, row["error"] != "", logprobs)

    def settled(self, order: Iterable[str]) -> Iterator[RowState] | None:
        """The states by the order of index values, others at the end, and by sample.

        None if the file is so already, and holds no row that was replaced.
        """
        rank = {clean(index): number for number, index in enumerate(order)}

        def place(name: str) -> tuple[int, int]:
            sample, _, index = name.partition(" ")
            return rank.get(index, len(rank)), int(sample)

        names = sorted(self._states, key=place)
        if not self._superseded and names == list(self._states):
            return None
        return (_unpack(name, self._states[name]) for name in names)


def _name(index: str, sample: int) -> str:
    return f"{sample} {clean(index)}"  # a text is half as large as a pair of a text and a number


def _unpack(name: str, state: bytes) -> RowState:
    sample, _, index = name.partition(" ")
    offset, length, sha256, failed, logprobs = _PACKED.unpack(state)
    return RowState(index, int(sample), offset, length, sha256.hex(), failed, logprobs)
