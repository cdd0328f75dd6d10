"""A cached hash is used for exactly the file that it is of, and only for large ones."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from racro_eval.store import file_hash
from racro_eval.store.file_hash import MIN_CACHED_SIZE, cached_hash, file_identity, file_sha256

SECOND = 10**9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "answers.graded.csv"
    path.write_bytes(b"x" * 100)
    return path


def hashed(path: Path) -> tuple[str, int]:
    """The hash, and how often the file was read for it."""
    calls: list[str] = []

    def calculate() -> str:
        calls.append("calculated")
        return f"hash {len(path.read_bytes())}"

    with path.open("rb") as file:
        return cached_hash(path, file.fileno(), calculate), len(calls)


def cache_of(path: Path) -> Path:
    return path.with_name(".answers.graded.sha256.json")


def keep_for(path: Path, nanoseconds: int) -> None:
    """Let the cached hash be so much younger than the last change of the file."""
    status = path.stat()
    then = max(status.st_mtime_ns, status.st_ctime_ns) + nanoseconds
    os.utime(cache_of(path), ns=(then, then))


def test_files_from_64_mib_on_have_one() -> None:
    assert MIN_CACHED_SIZE == 64 * 1024 * 1024


@pytest.mark.parametrize(("size", "cached"), [(99, False), (100, True), (101, True)])
def test_a_file_of_the_least_size_has_one(
    path: Path, monkeypatch: pytest.MonkeyPatch, size: int, cached: bool
) -> None:
    monkeypatch.setattr(file_hash, "MIN_CACHED_SIZE", 100)
    path.write_bytes(b"x" * size)
    assert hashed(path) == (f"hash {size}", 1)
    assert cache_of(path).exists() is cached


class TestOfALargeFile:
    @pytest.fixture(autouse=True)
    def _large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(file_hash, "MIN_CACHED_SIZE", 0)

    @pytest.mark.parametrize(
        ("nanoseconds", "calculated"),
        [(3 * SECOND, 0), (2 * SECOND, 0), (2 * SECOND - 1, 1), (SECOND, 1), (0, 1)],
    )
    def test_is_used_if_the_file_had_rested_for_two_seconds(
        self, path: Path, nanoseconds: int, calculated: int
    ) -> None:
        hashed(path)
        keep_for(path, nanoseconds)
        assert hashed(path) == ("hash 100", calculated)

    def test_is_not_used_after_a_change(self, path: Path) -> None:
        hashed(path)
        path.write_bytes(b"y" * 100)
        keep_for(path, 3 * SECOND)
        assert hashed(path)[1] == 1

    @pytest.mark.parametrize("content", ["", "{", "[]", "1", '{"of": 1}', '{"sha256": "wrong"}'])
    def test_is_not_used_if_it_is_damaged(self, path: Path, content: str) -> None:
        cache_of(path).write_text(content)
        keep_for(path, 3 * SECOND)
        assert hashed(path) == ("hash 100", 1)

    def test_is_not_kept_of_a_file_that_changes_while_it_is_read(self, path: Path) -> None:
        def calculate() -> str:
            path.write_bytes(b"longer than before" * 100)
            return "of neither"

        with path.open("rb") as file:
            assert cached_hash(path, file.fileno(), calculate) == "of neither"
        assert not cache_of(path).exists()

    def test_that_cannot_be_kept_is_calculated_each_time(self, path: Path) -> None:
        cache_of(path).mkdir()
        assert hashed(path) == hashed(path) == ("hash 100", 1)
        assert sorted(os.listdir(path.parent)) == sorted([cache_of(path).name, path.name])

    def test_holds_the_identity_of_the_file(self, path: Path) -> None:
        hashed(path)
        kept = json.loads(cache_of(path).read_text())
        assert kept == {"of": file_identity(path.stat()), "sha256": "hash 100"}


def test_the_hash_of_a_file_is_that_of_its_bytes(path: Path) -> None:
    assert file_sha256(path) == hashlib.sha256(b"x" * 100).hexdigest()


def test_the_identity_is_size_inode_and_both_times(path: Path) -> None:
    status = path.stat()
    expected = [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
    assert file_identity(status) == expected
