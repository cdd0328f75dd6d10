"""One CSV of the store, open for appending, while other programs may change it.

The lock excludes other racro-eval processes, but not a synchronised folder, an editor or a person
with `rm`. So the file is checked before each row that is appended, and before it is replaced:

- deleted: its rows can still be read from the descriptor, and the file is restored;
- replaced by another file with the same columns: our rows are added to it;
- replaced by anything else: our rows are saved to another file, and the run stops;
- longer: complete rows are accepted, our own torn row is cut off, anything else stops the run;
- shorter: the run stops with an error; the next run asks for the lost rows again.

No program's rows are dropped, and a file is only ever replaced by one that contains the same rows.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from racro_eval.errors import CacheError
from racro_eval.store.atomic import keep_mode, replacing, sync_folder, temporary_path
from racro_eval.store.file_lock import FileLock, is_same_file
from racro_eval.store.records import encode_row
from racro_eval.store.row_index import RowState
from racro_eval.store.row_table import RowTable, rank

_SYNC_SECONDS = 1.0
_MAX_TRIES = 5
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_NONBLOCK  # O_NONBLOCK: a FIFO is rejected, not waited for


class RowFile(RowTable):
    """The rows of one file, and the operations that change it; base class of RowWriter.

    lock: this process holds it while the file is open. notify: called with a message if rows were
    restored or merged. The methods raise OSError if the disk refuses an operation, and CacheError
    if nothing may be written any more.
    """

    def __init__(
        self, path: Path, columns: Sequence[str], lock: FileLock, notify: Callable[[str], None]
    ) -> None:
        self.path, self.columns, self._fd = path, tuple(columns), -1
        self._reset()
        self._lock, self._notify = lock, notify
        self._pending = b""
        """The record that is being written: a torn row in the file is ours if it begins this."""
        self._synced_at = time.monotonic()

    def _open(self, *, create: bool) -> None:
        self._attach(os.open(self.path, _FLAGS | (os.O_CREAT if create else 0), 0o644))
        self._recover()

    def _attach(self, fd: int) -> None:
        """Use the file behind this descriptor from now on."""
        self._fd = fd
        self._reset()
        self._scan()

    def _recover(self) -> None:
        """Cut off what a crash left behind, and write the header of a new file."""
        if not self.header:
            self._end = 0
        if os.fstat(self._fd).st_size > self._end:
            os.ftruncate(self._fd, self._end)
        if not self.header:
            self._write(encode_row(self.columns))
            self._scan()
            os.fsync(self._fd)
            sync_folder(self.path.parent)

    def _append_row(self, row: Mapping[str, str]) -> None:
        self._reconcile()
        new_columns = [name for name, value in row.items() if value and name not in self.header]
        if new_columns:
            self._rewrite((*self.header, *new_columns), self._states.__iter__)
        required = {name: row[name] for name in self.columns}
        values = {**dict.fromkeys(self.header, ""), **row, **required}
        record = encode_row(values[name] for name in self.header)
        self._write(record)
        if os.lseek(self._fd, 0, os.SEEK_CUR) == self._end + len(record):
            self._states.put(values, self._end, len(record))
            self._end += len(record)
        else:  # another program has appended since the check
            self._scan()
        self._pending = b""
        if time.monotonic() - self._synced_at >= _SYNC_SECONDS:
            self._sync()

    def _append_if_better(self, row: Mapping[str, str]) -> None:
        """Append a row of another file, unless ours is as good (`rank`)."""
        own = self.row(row["index"], int(row["sample"]))
        if own is None or rank(row) > rank(own):
            self._append_row(row)

    def _write(self, record: bytes) -> None:
        """Append a record. If only a part of it fits, that part is removed again."""
        self._pending = record
        size, written = os.fstat(self._fd).st_size, 0
        try:
            while written < len(record):
                written += os.write(self._fd, record[written:])
        except OSError:
            if written and os.fstat(self._fd).st_size == size + written:
                os.ftruncate(self._fd, size)
            raise

    def _sync(self) -> None:
        os.fsync(self._fd)
        self._synced_at = time.monotonic()

    def _reconcile(self) -> None:
        """Detect what other programs did to the file, and repair what can be repaired."""
        self._lock.check()
        if is_same_file(self._fd, self.path):
            size = os.fstat(self._fd).st_size
            if size > self._end:
                self._accept_appended_rows()
            elif size < self._end:
                raise self._changed_error(f"it was cut from {self._end} to {size} bytes")
        elif self.path.exists():
            self._merge_into_replacement()
        else:
            self._notify(f"{self.path} was deleted during the run; its rows were restored.")
            self._rewrite(self.header, self._states.__iter__)

    def _is_unchanged(self) -> bool:
        """Whether no other program has changed the file since the last check."""
        self._lock.check()
        in_place = is_same_file(self._fd, self.path) or not self.path.exists()
        return in_place and os.fstat(self._fd).st_size == self._end

    def _changed_error(self, change: str) -> CacheError:
        return CacheError(
            f"{self.path} was changed by another program during the run: {change}. The rows in it "
            "were left as they are; run the same command again."
        )

    def _accept_appended_rows(self) -> None:
        """Read rows that another program appended; cut off the rest of a torn row of ours."""
        self._scan()
        rest = self._bytes(self._end, os.fstat(self._fd).st_size - self._end)
        if not self._pending.startswith(rest):
            raise self._changed_error(f"the data appended at byte {self._end} is not a row")
        os.ftruncate(self._fd, self._end)

    def _merge_into_replacement(self) -> None:
        """Continue with the file that is at the path now, and add our rows to it."""
        ours = copy.copy(self)
        try:
            self._attach(os.open(self.path, _FLAGS))
            self._recover()
            for row in ours.rows():
                self._append_if_better(row)
            os.fsync(self._fd)
        except BaseException as error:
            if self._fd != ours._fd:
                os.close(self._fd)
            self._switch_to(ours)
            if isinstance(error, CacheError):
                raise self._save_to_other_file(error) from error
            raise
        os.close(ours._fd)
        self._notify(f"{self.path} was replaced during the run; the rows of both files were kept.")

    def _switch_to(self, other: RowFile) -> None:
        self._fd, self._end = other._fd, other._end
        self.header, self._states = other.header, other._states

    def _save_to_other_file(self, reason: CacheError) -> CacheError:
        """Save our rows to another file, because what is at the path is not a file of such rows."""
        number = 1
        while (kept := self.path.with_name(f"{self.path.name}.kept-{number}")).exists():
            number += 1
        with replacing(kept) as file:
            file.write(encode_row(self.header))
            file.writelines(encode_row(row.values()) for row in self.rows())
        return CacheError(
            f"{self.path} was replaced by a different file during the run. The rows of this run "
            f"are in {kept.name}: rename it to {self.path.name} and run the same command again. "
            f"({reason})"
        )

    def _rewrite(self, header: tuple[str, ...], states: Callable[[], Iterator[RowState]]) -> None:
        """Replace the file by one with this header and these rows, each read and checked again."""
        for _ in range(_MAX_TRIES):
            target = Path(os.path.realpath(self.path))
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = temporary_path(target)
            new = copy.copy(self)
            new._fd = os.open(temporary, _FLAGS | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                new._fill(header, map(self._read, states()))
                if len(new) != len(self):
                    raise self._changed_error("its rows are not the same as before")
                if self._is_unchanged():
                    self._replace(target, temporary, new)
                    return
            finally:
                if new._fd != self._fd:
                    os.close(new._fd)
                temporary.unlink(missing_ok=True)
            self._reconcile()
        raise self._changed_error("another program keeps changing it")

    def _fill(self, header: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
        with open(self._fd, "wb", closefd=False) as file:
            file.write(encode_row(header))
            file.writelines(encode_row(row.get(name, "") for name in header) for row in rows)
        os.fsync(self._fd)
        self._attach(self._fd)

    def _replace(self, target: Path, temporary: Path, new: RowFile) -> None:
        """Replace our file by the new one, and add rows that were appended at the last moment."""
        keep_mode(new._fd, target)
        temporary.replace(target)
        ours = copy.copy(self)
        self._switch_to(new)
        try:
            sync_folder(target.parent)
            has_late_rows = os.fstat(ours._fd).st_size > ours._end
            if has_late_rows:
                ours._scan()
                for row in ours.rows():
                    self._append_if_better(row)
        finally:
            os.close(ours._fd)
