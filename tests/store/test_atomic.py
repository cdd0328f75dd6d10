"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

import pytest

from racro_eval.errors import ConfigError
from racro_eval.store.atomic import (
    remove_leftovers,
    replacing,
    sync_folder,
    temporary_path,
    write_atomically,
    write_error,
)

DAY_SECONDS = 24 * 3600


def test_the_new_file_has_the_permissions_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_atomically(path, [b"new"])
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o640)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "deep" / "target", tmp_path / "link"
    link.symlink_to(target)
    write_atomically(link, [b"new"])
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, [b"one, ", b"two"])
        assert os.read(reader, 10) == b"one, two"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), replacing(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_parent_that_is_a_file_is_an_error_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"inner cannot be written: "):
        write_atomically(tmp_path / "file" / "inner", [b"new"])


@pytest.mark.parametrize(
    ("number", "raised"),
    [
        (errno.EINVAL, False),
        (errno.ENOTSUP, False),
        (errno.EBADF, False),
        (errno.EACCES, False),
        (errno.EPERM, False),
        (errno.EIO, True),
        (errno.ENOSPC, True),
    ],
)
def test_only_a_folder_that_cannot_be_flushed_at_all_is_excused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, raised: bool
) -> None:
    def fails(fd: int) -> None:
        raise OSError(number, os.strerror(number))

    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr("racro_eval.store.atomic.os.fsync", fails)
    if raised:
        with pytest.raises(OSError, match=os.strerror(number)):
            sync_folder(tmp_path)
    else:
        sync_folder(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


def leftover(path: Path, tag: str, age_s: float = 0) -> Path:
    file = path.with_name(f".{path.name}.{tag}.tmp")
    file.write_bytes(b"half")
    then = time.time() - age_s
    os.utime(file, (then, then))
    return file


def test_leftovers_of_processes_that_live_or_may_live_stay(tmp_path: Path) -> None:
    path = tmp_path / "file"
    ours = temporary_path(path)
    ours.write_bytes(b"half")
    others = [
        leftover(path, "ffffff-1-1", DAY_SECONDS - 600),  # of another machine
        leftover(tmp_path / "file2", "ffffff-1-1", 2 * DAY_SECONDS),  # for another file
        path.with_name(f".{path.name}.note"),
    ]
    others[-1].write_bytes(b"no temporary file")
    remove_leftovers(path)
    assert all(file.exists() for file in (ours, *others))


def test_leftovers_that_are_a_day_old_or_whose_process_has_ended_go(tmp_path: Path) -> None:
    path = tmp_path / "file"
    machine, pid, _ = temporary_path(path).name.split(".")[-2].split("-")
    old = leftover(path, "ffffff-1-1", DAY_SECONDS + 600)
    ended = leftover(path, f"{machine}-{pid}-1")  # this process id, at another start
    remove_leftovers(path)
    assert not old.exists()
    assert not ended.exists()


def test_a_folder_that_is_missing_has_no_leftovers(tmp_path: Path) -> None:
    remove_leftovers(tmp_path / "none" / "file")


def test_a_reason_without_a_remedy_is_given_the_advice(tmp_path: Path) -> None:
    path = tmp_path / "file"
    error = OSError(errno.ENODEV, "No such device")
    assert str(write_error(path, error)) == (
        f"{path} cannot be written: No such device. Choose another place for it."
    )
    assert str(write_error(path, error, "Mount it.")).endswith("No such device. Mount it.")
    full = OSError(errno.ENOSPC, "No space left on device")
    assert "Free some space" in str(write_error(path, full, "Mount it."))
    assert "of its own" in str(write_error(path, OSError("of its own")))
