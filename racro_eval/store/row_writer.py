"""The right to append to one CSV of the store.

The lock keeps our own processes apart, but not a synchronised folder, an editor or a person with
`rm`. So the file is looked at before each row that is appended, and before it is replaced:

- deleted: its rows are still behind the descriptor, and are put back;
- replaced by another file of the same columns: our rows are joined to it;
- replaced by something else: our rows are kept in a file beside, and the run stops;
- longer: whole rows are taken in; our own torn row is cut; anything else stops the run;
- shorter: the run stops and says so; what is gone is asked for again by the next one.

Nobody's rows are dropped, and a file is only ever replaced by one that holds the same rows.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from racro_eval.errors import CacheError
from racro_eval.store.atomic import (
    keep_mode,
    remove_leftovers,
    replacing,
    sync_folder,
    temporary_path,
    unwritable,
)
from racro_eval.store.file_lock import FileLock, is_at
from racro_eval.store.records import encode_row
from racro_eval.store.row_index import RowState
from racro_eval.store.row_table import RowTable, rank
from racro_eval.store.sidecar import sidecar_path

_SYNC_SECONDS = 1.0
_TRIES = 5
_ELSEWHERE = "Choose another folder with --results."
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_NONBLOCK  # a pipe is not waited for, but refused


class RowWriter(RowTable):
    """The rows of one file, with the right to append. A context manager that holds the lock.

    on_wait: told, in a sentence, if another process holds the file, and if rows were put back or
    joined. create: make a file that is not there; else FileNotFoundError.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        *,
        on_wait: Callable[[str], None] | None = None,
        create: bool = True,
    ) -> None:
        self.path, self.columns, self._fd = path, tuple(columns), -1
        self._tell = on_wait or (lambda text: None)
        self._pending = b""
        """The record that is being written: what is torn in the file is ours if it is of this."""
        self._stopped: CacheError | None = None
        self._synced_at = time.monotonic()
        self._lock = FileLock(path)
        try:
            if create:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(on_wait)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not create:
                raise
            raise unwritable(path.parent, error, _ELSEWHERE) from error
        try:
            self._open(create=create)
        except BaseException:
            self._let_go(remove_lock=not create)
            raise

    def _open(self, *, create: bool) -> None:
        try:
            self._attach(os.open(self.path, _FLAGS | (os.O_CREAT if create else 0), 0o644))
            self._recover()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not create:
                raise
            raise unwritable(self.path, error, _ELSEWHERE) from error
        remove_leftovers(self.path)
        remove_leftovers(sidecar_path(self.path))

    def _attach(self, fd: int) -> None:
        """Go on with the file behind a descriptor."""
        self._fd = fd
        self._forget()
        self._scan()

    def _recover(self) -> None:
        """Cut off what a crash has left, and give a new file its header."""
        if not self.header:
            self._end = 0
        if os.fstat(self._fd).st_size > self._end:
            os.ftruncate(self._fd, self._end)
        if not self.header:
            self._write(encode_row(self.columns))
            self._scan()
            os.fsync(self._fd)
            sync_folder(self.path.parent)

    def append(self, row: Mapping[str, str]) -> None:
        """Add a row; it replaces an earlier one of the same index and sample.

        Columns beside those that every file has are added to the file if it lacks them. Raises
        ConfigError or CacheError; all rows that were appended before are on disk.
        """
        with self._failures():
            self._look()
            more = [name for name, value in row.items() if value and name not in self.header]
            if more:
                self._rewrite((*self.header, *more), self._states.__iter__)
            required = {name: row[name] for name in self.columns}
            values = {**dict.fromkeys(self.header, ""), **row, **required}
            record = encode_row(values[name] for name in self.header)
            self._write(record)
            if os.lseek(self._fd, 0, os.SEEK_CUR) == self._end + len(record):
                self._states.put(values, self._end, len(record))
                self._end += len(record)
            else:  # others have written since the file was looked at
                self._scan()
            self._pending = b""
        if time.monotonic() - self._synced_at >= _SYNC_SECONDS:
            self.sync()

    def sync(self) -> None:
        """Bring all rows to the disk. Raises ConfigError."""
        with self._failures():
            os.fsync(self._fd)
            self._synced_at = time.monotonic()

    def settle(self, order: Iterable[str]) -> None:
        """Rewrite the file in the order of `order` (index values), with only the rows that count.

        Rows of other indices are kept, at the end. Does nothing if the file is already so. Each row
        is read again first, and is what it was, or CacheError is raised and nothing is changed.
        """
        order = list(order)
        with self._failures():
            self._look()
            if self._states.settled(order) is not None:
                self._rewrite(self.header, lambda: self._states.settled(order) or iter(()))

    def close(self) -> None:
        """Flush to the disk and let the next process in. Safe to call twice."""
        try:
            if self._fd >= 0:
                with self._failures():
                    self._look()
                    os.fsync(self._fd)
        finally:
            self._let_go()

    def remove(self) -> None:
        """Close the file and delete it and its sidecar, because its rows are safe elsewhere."""
        try:
            with self._failures():
                if not self._unmoved() or not self.path.exists():
                    raise self._changed("something else was written to it")
                self.path.unlink()
                sidecar_path(self.path).unlink(missing_ok=True)
                sync_folder(self.path.parent)
        finally:
            self._let_go(remove_lock=True)

    def _let_go(self, *, remove_lock: bool = False) -> None:
        try:
            super().close()
        finally:
            self._lock.release(remove=remove_lock)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Errors of the disk as a sentence; after one of the file's content nothing is written."""
        if self._stopped is not None:
            raise self._stopped
        if self._fd < 0:
            raise ValueError(f"{self.path} is closed")
        try:
            yield
        except CacheError as error:
            self._stopped = error
            raise
        except OSError as error:
            raise unwritable(
                self.path, error, "Run the same command again; all finished rows are kept."
            ) from error

    def _write(self, record: bytes) -> None:
        """Append a record; if only a part fits, that part is cut off again. Raises OSError."""
        self._pending = record
        before, done = os.fstat(self._fd).st_size, 0
        try:
            while done < len(record):
                done += os.write(self._fd, record[done:])
        except OSError:
            if done and os.fstat(self._fd).st_size == before + done:
                os.ftruncate(self._fd, before)
            raise

    def _look(self) -> None:
        """Find out what others have done to the file, and make good what can be."""
        self._lock.check()
        if is_at(self._fd, self.path):
            size = os.fstat(self._fd).st_size
            if size > self._end:
                self._take_in()
            elif size < self._end:
                raise self._changed(f"it was cut from {self._end} to {size} bytes")
        elif self.path.exists():
            self._join()
        else:
            self._tell(f"{self.path} was deleted while it was written; its rows were put back.")
            self._rewrite(self.header, self._states.__iter__)

    def _unmoved(self) -> bool:
        """Whether nobody has touched the file since it was looked at."""
        self._lock.check()
        there = is_at(self._fd, self.path) or not self.path.exists()
        return there and os.fstat(self._fd).st_size == self._end

    def _changed(self, what: str) -> CacheError:
        return CacheError(
            f"{self.path} was changed by another program while it was written: {what}. The rows "
            "that are in it were left as they are; run the same command again."
        )

    def _take_in(self) -> None:
        """Take in rows that were appended elsewhere; cut off what is left of a row of ours."""
        self._scan()
        rest = self._bytes(self._end, os.fstat(self._fd).st_size - self._end)
        if not self._pending.startswith(rest):
            raise self._changed(f"what was appended to it at byte {self._end} is no row")
        os.ftruncate(self._fd, self._end)

    def _join(self) -> None:
        """Go on with the file that stands at the path now; our rows are added to it."""
        ours = copy.copy(self)
        try:
            self._attach(os.open(self.path, _FLAGS))
            self._recover()
            for row in ours.rows():
                self._add(row)
            os.fsync(self._fd)
        except BaseException as error:
            if self._fd != ours._fd:
                os.close(self._fd)
            self._go_on_with(ours)
            if isinstance(error, CacheError):
                raise self._keep_beside(error) from error
            raise
        os.close(ours._fd)
        self._tell(f"{self.path} was replaced while it was written; the rows of both were kept.")

    def _add(self, row: Mapping[str, str]) -> None:
        """Append a row of another file, unless ours is as good."""
        known = self.row(row["index"], int(row["sample"]))
        if known is None or rank(row) > rank(known):
            self.append(row)

    def _go_on_with(self, other: RowWriter) -> None:
        self._fd, self._end = other._fd, other._end
        self.header, self._states = other.header, other._states

    def _keep_beside(self, why: CacheError) -> CacheError:
        """Write our rows to a file beside, because what stands at the path is no table of them."""
        number = 1
        while (kept := self.path.with_name(f"{self.path.name}.kept-{number}")).exists():
            number += 1
        with replacing(kept) as file:
            file.write(encode_row(self.header))
            file.writelines(encode_row(row.values()) for row in self.rows())
        return CacheError(
            f"{self.path} was replaced by something else while it was written. The rows of this "
            f"run are in {kept.name}: give it the name {self.path.name} and run the same command "
            f"again. ({why})"
        )

    def _rewrite(self, header: tuple[str, ...], states: Callable[[], Iterator[RowState]]) -> None:
        """Replace the file by one with that header and those rows, each read and checked again."""
        for _ in range(_TRIES):
            target = Path(os.path.realpath(self.path))
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = temporary_path(target)
            new = copy.copy(self)
            new._fd = os.open(temporary, _FLAGS | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                new._fill(header, map(self._read, states()))
                if len(new) != len(self):
                    raise self._changed("its rows are not those that were there")
                if self._unmoved():
                    self._replace(target, temporary, new)
                    return
            finally:
                if new._fd != self._fd:
                    os.close(new._fd)
                temporary.unlink(missing_ok=True)
            self._look()
        raise self._changed("another program keeps changing it")

    def _fill(self, header: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
        with open(self._fd, "wb", closefd=False) as file:
            file.write(encode_row(header))
            file.writelines(encode_row(row.get(name, "") for name in header) for row in rows)
        os.fsync(self._fd)
        self._attach(self._fd)

    def _replace(self, target: Path, temporary: Path, new: RowWriter) -> None:
        """Put the new file in the place of ours, and add what came to ours at the last moment."""
        keep_mode(new._fd, target)
        temporary.replace(target)
        ours = copy.copy(self)
        self._go_on_with(new)
        try:
            sync_folder(target.parent)
            late = os.fstat(ours._fd).st_size > ours._end
            if late:
                ours._scan()
                for row in ours.rows():
                    self._add(row)
        finally:
            os.close(ours._fd)
