"""Opening, closing and removing a file of rows: what stays, and which errors are whose."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from racro_eval.errors import CacheError, ConfigError
from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.row_writer import RowWriter
from racro_eval.store.sidecar import sidecar_path, write_sidecar
from tests.support.store import predictions, row, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results" / "caption-00000000.csv"


def test_missing_folders_are_made_and_existing_ones_used(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c" / "caption-00000000.csv"
    write(path, row("1"))
    write(path, row("2"))
    assert list(predictions(path)) == ["1", "2"]


class TestAFileThatIsNotToBeCreated:
    def test_and_is_missing_is_an_error_that_leaves_nothing(self, path: Path) -> None:
        path.parent.mkdir()
        with pytest.raises(FileNotFoundError):
            RowWriter(path, CALL_COLUMNS, create=False)
        assert os.listdir(path.parent) == []

    def test_in_a_missing_folder_too(self, path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            RowWriter(path, CALL_COLUMNS, create=False)
        assert not path.parent.exists()

    def test_and_cannot_be_opened_is_an_error_in_a_sentence(self, path: Path) -> None:
        path.mkdir(parents=True)
        with pytest.raises(ConfigError, match=r"caption-00000000\.csv cannot be written: "):
            RowWriter(path, CALL_COLUMNS, create=False)

    def test_is_opened_with_its_rows(self, path: Path) -> None:
        write(path, row("1"))
        with RowWriter(path, CALL_COLUMNS, create=False) as writer:
            writer.append(row("2"))
        assert list(predictions(path)) == ["1", "2"]


def test_a_lock_file_stays_if_a_file_to_be_created_cannot_be_opened(path: Path) -> None:
    """Others may wait for it: only a merge, which takes files away, takes their locks away too."""
    path.mkdir(parents=True)
    with pytest.raises(ConfigError):
        RowWriter(path, CALL_COLUMNS)
    locks = [name for name in os.listdir(path.parent) if name.endswith(".lock")]
    assert len(locks) == 1


class TestRemoving:
    def test_takes_file_sidecar_and_locks_away(self, path: Path) -> None:
        write(path, row("1"))
        write_sidecar(path, {"rows": 1})
        RowWriter(path, CALL_COLUMNS).remove()
        assert os.listdir(path.parent) == []

    def test_needs_no_sidecar(self, path: Path) -> None:
        write(path, row("1"))
        RowWriter(path, CALL_COLUMNS).remove()
        assert os.listdir(path.parent) == []

    def test_is_refused_if_somebody_has_appended(self, path: Path) -> None:
        write(path, row("1"))
        write_sidecar(path, {"rows": 1})
        writer = RowWriter(path, CALL_COLUMNS)
        with path.open("ab") as file:
            file.write(b'"new"\n')
        with pytest.raises(CacheError, match="something else was written to it"):
            writer.remove()
        assert path.exists()
        assert sidecar_path(path).exists()

    def test_is_refused_if_somebody_has_deleted_it(self, path: Path) -> None:
        write(path, row("1"))
        write_sidecar(path, {"rows": 1})
        writer = RowWriter(path, CALL_COLUMNS)
        path.unlink()
        with pytest.raises(CacheError, match="something else was written to it"):
            writer.remove()
        assert sidecar_path(path).exists()


class TestClosing:
    def test_may_be_repeated(self, path: Path) -> None:
        writer = RowWriter(path, CALL_COLUMNS)
        writer.append(row("1"))
        writer.close()
        writer.close()
        assert list(predictions(path)) == ["1"]

    def test_ends_writing(self, path: Path) -> None:
        writer = RowWriter(path, CALL_COLUMNS)
        writer.close()
        for act in (lambda: writer.append(row("1")), writer.sync, lambda: writer.compact([])):
            with pytest.raises(ValueError, match="is closed"):
                act()

    def test_forces_rows_to_the_disk(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        synced: list[int] = []
        writer = RowWriter(path, CALL_COLUMNS)
        writer.append(row("1"))
        monkeypatch.setattr(os, "fsync", synced.append)
        writer.close()
        assert len(synced) == 1


def test_after_a_row_that_cannot_be_made_good_nothing_is_written(path: Path) -> None:
    writer = RowWriter(path, CALL_COLUMNS)
    writer.append(row("1"))
    os.truncate(path, 3)
    for _ in range(2):
        with pytest.raises(CacheError) as error:
            writer.append(row("2"))
    assert writer._fatal_error is error.value
    with pytest.raises(CacheError):
        writer.close()
    assert path.stat().st_size == 3
