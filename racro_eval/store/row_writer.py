"""The right to append to one CSV of the store: locking, and errors with a clear message."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from racro_eval.errors import CacheError
from racro_eval.store.atomic import remove_leftovers, sync_folder, write_error
from racro_eval.store.file_lock import FileLock
from racro_eval.store.row_file import RowFile
from racro_eval.store.sidecar import sidecar_path

_ADVICE = "Choose another folder with --results."


class RowWriter(RowFile):
    """The rows of one file, with the right to append. A context manager that holds the lock.

    on_wait: called with a message if another process holds the file, and if rows were restored or
    merged. create: create a missing file; otherwise FileNotFoundError is raised.

        with RowWriter(path, CALL_COLUMNS) as writer:
            writer.append(row)
            writer.compact(order)
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        *,
        on_wait: Callable[[str], None] | None = None,
        create: bool = True,
    ) -> None:
        super().__init__(path, columns, FileLock(path), on_wait or (lambda message: None))
        self._fatal_error: CacheError | None = None
        with _opening(path.parent, create=create):
            if create:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(on_wait)
        try:
            with _opening(path, create=create):
                self._open(create=create)
            remove_leftovers(path)
            remove_leftovers(sidecar_path(path))
        except BaseException:
            self._close_and_unlock(remove_lock=not create)
            raise

    def append(self, row: Mapping[str, str]) -> None:
        """Add a row; it replaces an earlier one with the same index and draw.

        Columns beyond the required ones are added to the file if it lacks them. Raises ConfigError
        or CacheError; all rows that were appended before are on disk.
        """
        with self._errors_converted():
            self._append_row(row)

    def append_if_better(self, row: Mapping[str, str]) -> None:
        """Add a row, unless the file has one as good with the same index and draw."""
        with self._errors_converted():
            self._append_if_better(row)

    def sync(self) -> None:
        """Flush all rows to the disk. Raises ConfigError."""
        with self._errors_converted():
            self._sync()

    def compact(self, order: Iterable[str]) -> None:
        """Rewrite the file in this order of index values, without the rows that were replaced.

        Rows with other indices are kept, at the end. Does nothing if the file is already in order.
        Each row is read and checked again first; if one has changed, CacheError is raised and the
        file stays as it is.
        """
        order = list(order)
        with self._errors_converted():
            self._reconcile()
            if self._states.in_order(order) is not None:
                self._rewrite(self.header, lambda: self._states.in_order(order) or iter(()))

    def close(self) -> None:
        """Flush to the disk and release the lock. Safe to call twice."""
        try:
            if self._fd >= 0:
                with self._errors_converted():
                    self._reconcile()
                    os.fsync(self._fd)
        finally:
            self._close_and_unlock()

    def remove(self) -> None:
        """Close and delete the file and its sidecar; its rows are stored elsewhere by now."""
        try:
            with self._errors_converted():
                if not self._is_unchanged() or not self.path.exists():
                    raise self._changed_error("something else was written to it")
                self.path.unlink()
                sidecar_path(self.path).unlink(missing_ok=True)
                sync_folder(self.path.parent)
        finally:
            self._close_and_unlock(remove_lock=True)

    def _close_and_unlock(self, *, remove_lock: bool = False) -> None:
        try:
            super().close()
        finally:
            self._lock.release(remove=remove_lock)

    @contextmanager
    def _errors_converted(self) -> Iterator[None]:
        """Convert OSError to ConfigError. After a CacheError nothing is written any more."""
        if self._fatal_error is not None:
            raise self._fatal_error
        if self._fd < 0:
            raise ValueError(f"{self.path} is closed")
        try:
            yield
        except CacheError as error:
            self._fatal_error = error
            raise
        except OSError as error:
            raise write_error(
                self.path, error, "Run the same command again; all finished rows are kept."
            ) from error


@contextmanager
def _opening(path: Path, *, create: bool) -> Iterator[None]:
    """Convert OSError to ConfigError, except FileNotFoundError if the file is not to be created."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not create:
            raise
        raise write_error(path, error, _ADVICE) from error
