"""The rows of one CSV of the store, read where they lie."""

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
from racro_eval.store.file_hash import kept_hash
from racro_eval.store.records import decode_row, encode_row, is_begun, is_blank, split_records
from racro_eval.store.row_index import RowIndex, RowState

_BOM = b"\xef\xbb\xbf"
_CHUNK = 1 << 20


class RowTable:
    """The rows of one file, read only. A torn last row, as a writer may just leave it, is not seen.

    columns: those that the file has at least, and first; `header` is those that it has. The file
    stays open, so that rows are read from the file that was scanned even if another process
    replaces it meanwhile. A file that is not there is an empty table. Raises CacheError on a file
    that cannot be read.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.columns = tuple(columns)
        self._fd = -1
        self._forget()
        try:
            # A pipe must not be waited for; what is no file is refused below.
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

    def _forget(self) -> None:
        self.header: tuple[str, ...] = ()
        """The columns of the file; empty while it has none."""
        self._states = RowIndex()
        self._end = 0
        """Where the last whole record ends (bytes)."""

    def __len__(self) -> int:
        return len(self._states)

    def state(self, index: str, sample: int) -> RowState | None:
        """The row's state, or None if it is not there."""
        return self._states.get(index, sample)

    def row(self, index: str, sample: int) -> dict[str, str] | None:
        """The row itself, read from the file now, or None if it is not there."""
        state = self._states.get(index, sample)
        return None if state is None else self._read(state)

    def indices(self) -> Iterator[str]:
        """The index of each row that counts, in the order of the file."""
        return (state.index for state in self._states)

    def rows(self) -> Iterator[dict[str, str]]:
        """All rows that count, in the order of the file, read one at a time."""
        return map(self._read, self._states)

    def sha256(self) -> str:
        """SHA-256 of the file up to its last whole record, in hex: of the rows that are seen."""
        if self._fd < 0 or os.fstat(self._fd).st_size != self._end:
            return self._calculate()
        return kept_hash(self.path, self._fd, self._calculate)

    def _calculate(self) -> str:
        digest, offset = hashlib.sha256(), 0
        while offset < self._end:
            piece = self._bytes(offset, min(_CHUNK, self._end - offset))
            if not piece:
                raise self._unreadable("it was cut while it was read")
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
        if (row["index"], int(row["sample"])) != (state.index, state.sample):
            raise self._unreadable(f"at byte {state.offset} is another row than before")
        return row

    def _bytes(self, offset: int, length: int) -> bytes:
        if self._fd < 0:
            raise ValueError(f"{self.path} is closed")
        try:
            return os.pread(self._fd, length, offset)
        except OSError as error:
            raise CacheError(f"{self.path} cannot be read: {error.strerror}.") from error

    def _scan(self) -> None:
        """Note the rows behind `_end`."""
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            raise self._unreadable("it is not a file")
        # A reader of its own each time: one that is kept may hold what has changed since.
        with open(self._fd, "rb", closefd=False) as file:
            file.seek(self._end)
            records = split_records(file)
            for offset, record, whole in records:
                if not whole or b"\0" in record:  # no row holds a zero, but crashes leave some
                    self._check_torn(record + b"".join(rest for _, rest, _ in records), offset)
                    return
                if not is_blank(record):
                    self._take(record, offset)
                self._end = offset + len(record)

    def _take(self, record: bytes, offset: int) -> None:
        if self.header:
            self._states.put(self._parse(record, offset), offset, len(record))
        else:
            self.header = self._header(record)

    def _parse(self, record: bytes, offset: int) -> dict[str, str]:
        try:
            row = dict(zip(self.header, decode_row(record), strict=True))
            if not row["sample"].isdecimal():
                raise ValueError("the sample is no number")
            int(row["sample"])
        except (ValueError, csv.Error) as error:
            raise self._unreadable(f"the record at byte {offset} is not a row of it") from error
        return row

    def _header(self, record: bytes) -> tuple[str, ...]:
        """The file's columns: those expected, and then whatever a newer version has added."""
        try:
            header = tuple(decode_row(record.removeprefix(_BOM)))
        except (ValueError, csv.Error):
            header = ()
        known = header[: len(self.columns)] == self.columns
        if not known or len(set(header)) != len(header) or "" in header:
            raise self._unreadable("its first line is not the expected header")
        return header

    def _check_torn(self, tail: bytes, offset: int) -> None:
        """A torn row is cut, but what no crash has left is somebody's edit, and is not."""
        if not self.header:
            begun = tail.removeprefix(_BOM).strip(b"\0\r\n")
            if not encode_row(self.columns).startswith(begun):
                raise self._unreadable("its first line is not the expected header")
        elif not is_begun(tail):
            raise self._unreadable(f"a quote is missing in the record at byte {offset}")

    def _unreadable(self, what: str) -> CacheError:
        return CacheError(
            f"{self.path} cannot be read: {what}. Nothing was changed; restore the file, or move "
            "it away to compute it again."
        )


def rank(row: Mapping[str, str]) -> tuple[bool, str]:
    """Of two rows of an index and sample: an answer counts more than a failure, then the newer."""
    return not row["error"], row["created_at"]
