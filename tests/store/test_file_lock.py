"""The lock: one writer at a time, with or without flock, and a killed one is in nobody's way."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from racro_eval.errors import CacheError
from racro_eval.store import file_lock
from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.file_lock import FileLock
from racro_eval.store.processes import has_ended, is_on_this_machine, process_tag
from racro_eval.store.row_writer import RowWriter
from tests.support.store import predictions, row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "caption-00000000.csv"


@pytest.fixture(params=["flock works", "flock succeeds for everyone", "there is no flock"])
def flock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(fd: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    if request.param == "flock succeeds for everyone":
        monkeypatch.setattr(fcntl, "flock", lambda fd, operation: None)
    elif request.param == "there is no flock":
        monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process without flock; all of them have ended after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.support.lockless", *words]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def owner_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.owner")


def leave_owner(path: Path, **facts: object) -> None:
    """An owner file as a process of another machine has left it."""
    facts = {"pid": 7, "host": "node9", "since": "noon", "token": "0123abcd", **facts}
    owner_file(path).write_text(json.dumps({"process": "ffffff-7-1", **facts}))


def try_to_take(path: Path) -> bool:
    """Whether the lock can be had at once."""

    class Busy(Exception):
        pass

    def give_up(_: str) -> None:
        raise Busy

    lock = FileLock(path)
    try:
        lock.acquire(give_up)
    except Busy:
        return False
    lock.release()
    return True


@pytest.mark.usefixtures("flock")
class TestOneAtATime:
    def test_who_comes_second_waits(self, path: Path) -> None:
        lock = FileLock(path)
        lock.acquire()
        assert not try_to_take(path)
        lock.release()
        assert try_to_take(path)

    def test_nothing_but_the_lock_file_is_left(self, path: Path) -> None:
        assert try_to_take(path)
        assert os.listdir(path.parent) == [f".{path.name}.lock"]
        lock = FileLock(path)
        lock.acquire()
        lock.release(remove=True)
        assert os.listdir(path.parent) == []

    def test_a_removed_lock_file_does_not_let_a_second_writer_in(self, path: Path) -> None:
        first, others = FileLock(path), [FileLock(path), FileLock(path)]
        first.acquire()
        inside: list[int] = []
        largest: list[int] = []

        def work(lock: FileLock) -> None:
            lock.acquire()
            inside.append(1)
            largest.append(len(inside))
            time.sleep(0.01)
            inside.pop()
            lock.release(remove=True)

        threads = [threading.Thread(target=work, args=(lock,)) for lock in others]
        for thread in threads:
            thread.start()
        first.release(remove=True)
        for thread in threads:
            thread.join(30)
        assert largest == [1, 1]

    def test_an_owner_file_that_could_not_be_removed_blocks_nobody(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EIO, "Input/output error")

        lock = FileLock(path)
        lock.acquire()
        with monkeypatch.context() as disk:
            disk.setattr(Path, "unlink", refuse)
            with pytest.raises(OSError, match="Input/output"):
                lock.release()
        assert path.with_name(f".{path.name}.owner").exists()
        notes: list[str] = []
        again = FileLock(path)
        again.acquire(notes.append)
        again.release()
        assert notes == []

    def test_of_many_that_find_a_dead_owner_one_gets_in_at_a_time(self, path: Path) -> None:
        inside: list[int] = []
        largest: list[int] = []

        def work() -> None:
            lock = FileLock(path)
            lock.acquire()
            inside.append(1)
            largest.append(len(inside))
            lock.check()
            inside.pop()
            lock.release()

        leave_owner(path, process=process_tag()[:-1] + "0")  # a start that is not own_tag: it died
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert largest == [1] * 8
        assert os.listdir(path.parent) == [f".{path.name}.lock"]


class TestOwnersOfOtherMachines:
    def test_one_that_does_not_move_is_gone_after_a_while(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_lock, "STALE_SECONDS", 0.5)
        leave_owner(path)
        notes: list[str] = []
        lock = FileLock(path)
        lock.acquire(notes.append)
        assert notes == [
            f"{path} is being written by process 7 on node9 since noon; waiting for it."
        ]
        lock.check()
        lock.release()

    def test_one_that_moves_is_waited_for(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        leave_owner(path)
        clock = iter(range(1000))
        monkeypatch.setattr(file_lock, "STALE_SECONDS", 3.0)
        monkeypatch.setattr(file_lock.time, "monotonic", lambda: float(next(clock)))
        beats: list[int] = []

        def sleep(_: float) -> None:
            beats.append(1)
            if len(beats) < 20:
                os.utime(owner_file(path), ns=(len(beats), len(beats)))

        monkeypatch.setattr(file_lock.time, "sleep", sleep)
        lock = FileLock(path)
        lock.acquire()
        lock.release()
        assert len(beats) >= 20, "it was taken only when it had stopped to move"

    def test_clocks_are_never_compared(self, path: Path) -> None:
        leave_owner(path)
        for time_of_change in (0, 2**40):
            os.utime(owner_file(path), ns=(time_of_change, time_of_change))
            assert not try_to_take(path), "a time of change alone says nothing"

    def test_who_was_taken_for_gone_does_not_write_any_more(self, path: Path) -> None:
        writer = RowWriter(path, CALL_COLUMNS)
        writer.append(row("2"))
        writer.append(row("1"))
        content = path.read_bytes()
        leave_owner(path.with_name("other"))
        owner_file(path.with_name("other")).replace(owner_file(path))
        for act in (lambda: writer.append(row("3")), lambda: writer.compact(["1"]), writer.close):
            with pytest.raises(CacheError, match="taken over by process 7 on node9 since noon"):
                act()
        assert path.read_bytes() == content
        assert owner_file(path).exists(), "it is the other one's"


def test_an_owner_moves_as_long_as_it_lives(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_lock, "HEARTBEAT_SECONDS", 0.01)
    lock = FileLock(path)
    lock.acquire()
    os.utime(owner_file(path), ns=(1, 1))
    deadline = time.monotonic() + 60
    while owner_file(path).stat().st_mtime_ns == 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert owner_file(path).stat().st_mtime_ns > 1
    lock.release()


def test_an_owner_file_that_was_deleted_is_made_again(path: Path) -> None:
    lock = FileLock(path)
    lock.acquire()
    owner_file(path).unlink()
    lock.check()
    assert owner_file(path).exists()
    lock.release()
    assert not owner_file(path).exists()


def test_a_process_is_known_by_machine_id_and_start() -> None:
    own_tag = process_tag()
    machine, pid, start = own_tag.split("-")
    assert is_on_this_machine(own_tag) and not has_ended(own_tag)
    assert has_ended(f"{machine}-{pid}-{int(start, 16) + 1:x}"), "another has its id now"
    assert not is_on_this_machine(f"ffffff-{pid}-{start}")
    assert not has_ended(f"ffffff-{pid}-{start}"), "nobody can tell from here"
    for nonsense in ("", "x", f"{machine}-x-y", f"{machine}-"):
        assert not has_ended(nonsense)


def test_a_killed_process_has_ended_even_before_its_parent_has_asked(
    start: Callable[..., subprocess.Popen[str]], path: Path
) -> None:
    process = start(str(path), "hold")
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    tag = json.loads(owner_file(path).read_text())["process"]
    assert not has_ended(tag)
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert has_ended(tag), "it is a zombie"


@pytest.mark.usefixtures("flock")
def test_who_follows_a_killed_process_goes_on_at_once(
    start: Callable[..., subprocess.Popen[str]], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start(str(path), "hold")
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    assert not try_to_take(path)
    process.kill()
    process.wait()
    assert try_to_take(path)
    assert predictions(path) == {"held": "text"}


@pytest.mark.parametrize("writers", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_processes_without_flock_lose_and_spoil_nothing(
    start: Callable[..., subprocess.Popen[str]], path: Path, writers: int
) -> None:
    processes = [start(str(path), name, "20") for name in "abcdefgh"[:writers]]
    for process in processes:
        assert process.wait(240) == 0
    stored = predictions(path)
    assert len(stored) == 20 * writers
    assert set(stored.values()) == {"line\n" * 50}


def test_an_owner_that_lives_moves_many_times_before_it_is_taken_for_gone() -> None:
    assert (file_lock.HEARTBEAT_SECONDS, file_lock.STALE_SECONDS) == (10.0, 90.0)


def refused_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(source: object, target: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.parametrize(
    "number", [errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK]
)
def test_a_disk_without_links_has_owner_files_too(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    refused_links(monkeypatch, number)
    lock, other = FileLock(path), FileLock(path)
    lock.acquire()
    assert json.loads(owner_file(path).read_text())["pid"] == os.getpid()
    assert not other._try_acquire()
    lock.release()
    assert other._try_acquire()
    other.release(remove=True)
    assert os.listdir(path.parent) == []


def test_a_disk_that_refuses_an_owner_file_is_an_error_that_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(os.listdir("/proc/self/fd"))
    refused_links(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match="Input/output error"):
        FileLock(path).acquire()
    assert [name for name in os.listdir(path.parent) if "owner" in name] == []
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "1", "null", '{"pid": 1}', '{"pid": 1, "host": "h", "since": "s"}', "[" * 5000],
)
def test_an_owner_file_that_says_nothing_is_somebodys(path: Path, content: str) -> None:
    """Whose it is can not be told, so it is gone when it has not moved for long."""
    owner_file(path).write_text(content)
    owner = file_lock.Owner.read(owner_file(path))
    assert owner is not None
    assert (owner.process, owner.description) == ("", "another process")
    assert FileLock(path).holder() == "another process"
    assert not FileLock(path)._try_acquire()


def test_the_holder_is_described(path: Path) -> None:
    lock = FileLock(path)
    lock.acquire()
    assert lock.holder().startswith(f"process {os.getpid()} on ")
    lock.release()
    assert lock.holder() == "another process"


def test_others_may_read_lock_and_owner_files_but_not_write_them(path: Path) -> None:
    before = os.umask(0)
    try:
        lock = FileLock(path)
        lock.acquire()
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        lock.release()
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o644}
    assert len(modes) == 2


def test_each_lock_has_a_token_of_its_own(path: Path) -> None:
    tokens = {FileLock(path)._token for _ in range(50)}
    assert len(tokens) == 50
    assert {len(token) for token in tokens} == {8}


def test_releasing_twice_is_harmless(path: Path) -> None:
    lock = FileLock(path)
    lock.acquire()
    lock.release()
    lock.release(remove=True)
    assert (lock._flock_fd, lock._owner_fd) == (-1, -1)
