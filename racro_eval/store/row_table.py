"""The rows of one CSV of the store, read from the file when they are needed."""

from __future__ import annotations

import csv
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from racro_eval.errors import CacheError
from racro_eval.store.file_hash import cached_hash
from racro_eval.store.records import decode_row, encode_row, is_blank, is_torn_row, split_records
from racro_eval.store.row_index import RowIndex, RowState

_BOM = b"\xef\xbb\xbf"
_CHUNK = 1 << 20


class RowTable:
    """The rows of one file, read-only. A torn last row, which a writer may leave, is ignored.

    columns: the first columns of the file, which it must have; `header` is all that it has. The
    file stays open, so that rows are read from the file that was scanned even if another process
    replaces it. A missing file is an empty table. Raises CacheError if the file cannot be read.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.columns = tuple(columns)
        self._fd = -1
        self._reset()
        try:
            # O_NONBLOCK: do not wait for a FIFO; it is rejected below.
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return
        except OSError as error:
            raise CacheError(f"{path} cannot be read: {error.strerror}.") from error
        try:
            self._scan()
        except BaseException:
            self.close()
            raise

    def _reset(self) -> None:
        self.header: tuple[str, ...] = ()
        """The columns of the file; empty if it has no header yet."""
        self._states = RowIndex()
        self._end = 0
        """Where the last complete record ends (bytes)."""

    def __len__(self) -> int:
        return len(self._states)

    def state(self, index: str, draw: int) -> RowState | None:
        """The row's state, or None if there is no such row."""
        return self._states.get(index, draw)

    def row(self, index: str, draw: int) -> dict[str, str] | None:
        """The row, read from the file, or None if there is no such row."""
        state = self._states.get(index, draw)
        return None if state is None else self._read(state)

    def indices(self) -> Iterator[str]:
        """The index of each row that counts, in file order."""
        return (state.index for state in self._states)

    def rows(self) -> Iterator[dict[str, str]]:
        """All rows that count, in file order, read one at a time."""
        return map(self._read, self._states)

    def sha256(self) -> str:
        """SHA-256 of the file up to its last complete record, in hex."""
        if self._fd < 0 or os.fstat(self._fd).st_size != self._end:
            return self._calculate()
        return cached_hash(self.path, self._fd, self._calculate)

    def _calculate(self) -> str:
        digest, offset = hashlib.sha256(), 0
        while offset < self._end:
            piece = self._bytes(offset, min(_CHUNK, self._end - offset))
            if not piece:
                raise self._unreadable("it was truncated while it was read")
            digest.update(piece)
            offset += len(piece)
        return digest.hexdigest()

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self, state: RowState) -> dict[str, str]:
        row = self._parse(self._bytes(state.offset, state.length), state.offset)
        if (row["index"], int(row["sample"])) != (state.index, state.draw):
            raise self._unreadable(f"the row at byte {state.offset} has changed")
        return row

    def _bytes(self, offset: int, length: int) -> bytes:
        if self._fd < 0:
            raise ValueError(f"{self.path} is closed")
        try:
            return os.pread(self._fd, length, offset)
        except OSError as error:
            raise CacheError(f"{self.path} cannot be read: {error.strerror}.") from error

    def _scan(self) -> None:
        """Register the rows after `_end`."""
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            raise self._unreadable("it is not a regular file")
        # A new reader each time: a reader that is kept may have buffered outdated data.
        with open(self._fd, "rb", closefd=False) as file:
            file.seek(self._end)
            records = split_records(file)
            for offset, record, is_complete in records:
                if not is_complete or b"\0" in record:  # only a crash leaves zeros
                    self._check_torn(record + b"".join(rest for _, rest, _ in records), offset)
                    return
                if not is_blank(record):
                    self._register(record, offset)
                self._end = offset + len(record)

    def _register(self, record: bytes, offset: int) -> None:
        if self.header:
            self._states.put(self._parse(record, offset), offset, len(record))
        else:
            self.header = self._header(record)

    def _parse(self, record: bytes, offset: int) -> dict[str, str]:
        try:
            row = dict(zip(self.header, decode_row(record), strict=True))
            if not row["sample"].isdecimal():
                raise ValueError("the sample is not a number")
            int(row["sample"])
        except (ValueError, csv.Error) as error:
            raise self._unreadable(f"the record at byte {offset} is not a valid row") from error
        return row

    def _header(self, record: bytes) -> tuple[str, ...]:
        """The file's columns: the expected ones, possibly followed by those of a newer version."""
        try:
            header = tuple(decode_row(record.removeprefix(_BOM)))
        except (ValueError, csv.Error):
            header = ()
        is_expected = header[: len(self.columns)] == self.columns
        if not is_expected or len(set(header)) != len(header) or "" in header:
            raise self._unreadable("its first line is not the expected header")
        return header

    def _check_torn(self, tail: bytes, offset: int) -> None:
        """Raise CacheError if the tail is not what a crash leaves, but somebody's edit."""
        if not self.header:
            beginning = tail.removeprefix(_BOM).strip(b"\0\r\n")
            if not encode_row(self.columns).startswith(beginning):
                raise self._unreadable("its first line is not the expected header")
        elif not is_torn_row(tail):
            raise self._unreadable(f"a quote is missing in the record at byte {offset}")

    def _unreadable(self, problem: str) -> CacheError:
        return CacheError(
            f"{self.path} cannot be read: {problem}. Nothing was changed; restore the file, or "
            "move it away to compute it again."
        )


def rank(row: Mapping[str, str]) -> tuple[bool, str]:
    """Sort key for rows of one index and draw: an answer beats a failure, then the newer wins."""
    return not row["error"], row["created_at"]
