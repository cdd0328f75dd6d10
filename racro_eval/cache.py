"""The CSV store: one file per stage and settings, safe to kill, safe to open, safe to share.

Every field is quoted, so a record ends at the first line break after an even number of quotes. A
row is appended with one `write()` to an O_APPEND descriptor while a lock is held; what a kill can
leave behind is therefore one torn row at the end, which the next writer cuts off and computes
again. The last row of an (index, sample) counts; `settle()` drops the others and restores the
benchmark's order, so that a finished file does not depend on how often its run was interrupted.

Rows stay on disk: a table in memory holds an index of them (`row_index.py`).
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

from racro_eval.atomic import write_atomically
from racro_eval.errors import CacheError, ConfigError
from racro_eval.records import clean, decode_row, encode_row, read_rows, split_records
from racro_eval.row_index import RowIndex, RowState
from racro_eval.sidecar import owner

CALL_COLUMNS = (
    "index",
    "sample",
    "prediction",
    "finish_reason",
    "prompt_tokens",
    "completion_tokens",
    "latency_s",
    "seed",
    "prompt_sha256",
    "error",
    "created_at",
)
"""Columns of a file of model calls: captions and tentative answers."""
REASONING_COLUMNS = (*CALL_COLUMNS, "caption_sha256", "tentative_sha256")

_SYNC_SECONDS = 1.0
_POLL_SECONDS = 5.0


class RowTable:
    """The rows of one file, read only. A torn last row, as a writer may just leave it, is not seen.

    The file stays open, so that rows are read from the file that was scanned even if another
    process replaces it meanwhile. A file that is not there is an empty table.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.columns = tuple(columns)
        self._states = RowIndex()
        self._end = 0
        """Where the last whole record ends (bytes)."""
        self._file: io.BufferedReader | None = None
        self._open()

    def _open(self) -> None:
        try:
            self._file = self.path.open("rb")
        except FileNotFoundError:
            return
        try:
            self._scan(self._file)
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._states)

    def state(self, index: str, sample: int) -> RowState | None:
        """The row's state, or None if it is not there."""
        return self._states.get(index, sample)

    def row(self, index: str, sample: int) -> dict[str, str] | None:
        """The row itself, read from the file now, or None if it is not there."""
        state = self._states.get(index, sample)
        return None if state is None else self._read(state)

    def rows(self) -> Iterator[dict[str, str]]:
        """All rows that count, in the order of the file, read one at a time."""
        for state in self._states:
            yield self._read(state)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._file is not None:
            self._file.close()
            self._file = None

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
        return self._parse(self._bytes(state), state.offset)

    def _bytes(self, state: RowState) -> bytes:
        if self._file is None:
            raise ValueError(f"{self.path} is closed")
        return os.pread(self._file.fileno(), state.length, state.offset)

    def _scan(self, file: io.BufferedReader) -> None:
        for number, (offset, record, whole) in enumerate(split_records(file)):
            if not whole:
                self._check_torn(record, offset)
                return
            if number == 0:
                self._check_header(record)
            else:
                self._states.put(self._parse(record, offset), offset, len(record))
            self._end = offset + len(record)

    def _parse(self, record: bytes, offset: int) -> dict[str, str]:
        try:
            row = dict(zip(self.columns, decode_row(record), strict=True))
            int(row["sample"])
        except (ValueError, csv.Error) as error:
            raise self._unreadable(f"the record at byte {offset} is not a row of it") from error
        return row

    def _check_header(self, record: bytes) -> None:
        try:
            header = decode_row(record)
        except (ValueError, csv.Error):
            header = []
        if tuple(header) != self.columns:
            raise self._unreadable("its first line is not the expected header")

    def _check_torn(self, tail: bytes, offset: int) -> None:
        """A torn row is cut, but a tail that holds whole rows is somebody's edit, and is not."""
        for line in tail.splitlines()[1:]:
            fields = next(read_rows([line.decode("utf-8", "replace")]), [])
            if line.startswith(b'"') and len(fields) == len(self.columns):
                raise self._unreadable(f"a quote is missing in the record at byte {offset}")

    def _unreadable(self, what: str) -> CacheError:
        return CacheError(
            f"{self.path} cannot be read: {what}. Nothing was changed; restore the file, or move "
            "it away to compute it again."
        )


class RowWriter(RowTable):
    """The rows of one file, with the right to append. A context manager that holds the lock.

    on_wait: called once, with the reason, if another process holds the file.
    """

    def __init__(
        self, path: Path, columns: Sequence[str], *, on_wait: Callable[[str], None] | None = None
    ) -> None:
        from filelock import FileLock  # here, so that reading a table costs no import

        self._lock = FileLock(path.with_name(f".{path.name}.lock"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._acquire(path, on_wait)
        except OSError as error:
            raise ConfigError(
                f"The results folder cannot be written: {error}. Choose another with --results."
            ) from error
        self._fd = -1
        self._file = None
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            super().__init__(path, columns)
            self._recover()
        except OSError as error:
            self.close()
            raise ConfigError(
                f"{path} cannot be written: {error.strerror}. Choose another folder with --results."
            ) from error
        except BaseException:
            self.close()
            raise
        self._synced_at = time.monotonic()

    def _acquire(self, path: Path, on_wait: Callable[[str], None] | None) -> None:
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            if on_wait:
                on_wait(f"{path} is being written by {owner(path)}; waiting for it.")
            self._lock.acquire(poll_interval=min(_POLL_SECONDS, 0.2))

    def _recover(self) -> None:
        os.ftruncate(self._fd, self._end)
        if self._end == 0:
            self._write(encode_row(self.columns))

    def _write(self, record: bytes) -> None:
        written = os.write(self._fd, record)
        if written != len(record):  # a full disk: what was written is a torn row
            os.ftruncate(self._fd, self._end)
            raise OSError(f"only {written} of {len(record)} bytes fitted")
        self._end += written

    def append(self, row: Mapping[str, str]) -> None:
        """Add a row; it replaces an earlier one of the same index and sample."""
        record = encode_row(row[column] for column in self.columns)
        offset = self._end
        try:
            self._write(record)
        except OSError as error:
            raise ConfigError(
                f"{self.path} cannot be written: {error}. Free some space and run the same "
                "command again; all finished rows are kept."
            ) from error
        row = {key: clean(value) for key, value in row.items()}
        self._states.put(row, offset, len(record))
        now = time.monotonic()
        if now - self._synced_at >= _SYNC_SECONDS:
            os.fsync(self._fd)
            self._synced_at = now

    def settle(self, order: Iterable[str]) -> None:
        """Rewrite the file in the order of `order` (index values), with only the rows that count.

        Rows of other indices are kept, at the end. Does nothing if the file is already so.
        """
        states = self._states.settled(order)
        if states is None:
            return
        write_atomically(self.path, chain([encode_row(self.columns)], map(self._bytes, states)))
        self._reopen()

    def _reopen(self) -> None:
        """Read and append to the file that stands at the path now."""
        self._close_files()
        self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self._states, self._end = RowIndex(), 0
        self._open()

    def _close_files(self) -> None:
        super().close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def close(self) -> None:
        """Flush to the disk and let the next process in. Safe to call twice."""
        if self._fd >= 0:
            os.fsync(self._fd)
        self._close_files()
        self._lock.release()
