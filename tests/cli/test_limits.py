"""What the machine refuses: room, descriptors, rights, a place to print to, programs, a home.

Real processes under real limits. Whatever is refused, the command ends with a sentence, and what is
on disk is such that the same command, once it is let, gives what an undisturbed one would have.
"""

from __future__ import annotations

import errno
import gc
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from racro_eval.cli import main
from racro_eval.common.system_errors import to_racro_error
from racro_eval.errors import InternalError
from tests.support.benchmarks import make_json_benchmark
from tests.support.failing_files import FileOperations
from tests.support.results import timeless

MODULE = [sys.executable, "-m", "racro_eval"]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small benchmark in an empty working directory."""
    path = make_json_benchmark(tmp_path / "data", 12)
    monkeypatch.setenv("RACRO_DATA", str(path.parent))
    monkeypatch.setenv("RACRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return path


def command(path: Path, results: str = "results") -> list[str]:
    models = ["--mllm", "echo:m", "--reasoner", "echo:r"]
    return [*MODULE, "--data", str(path), *models, "--results", results]


def start(
    arguments: list[str],
    *,
    limit: Callable[[], None] | None = None,
    env: dict[str, str] | None = None,
    shell: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a command, under a limit or with what a shell does to its streams."""
    quoted = f'exec "$@" {shell}'
    return subprocess.run(
        ["sh", "-c", quoted, "sh", *arguments] if shell else arguments,
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        preexec_fn=limit,
        timeout=120,
    )


def told(done: subprocess.CompletedProcess[str]) -> str:
    """The complaints of a command that is not allowed to end with a traceback or as a bug."""
    assert "Traceback" not in done.stderr and "bug" not in done.stderr, done.stderr
    return done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "code", "why"),
    [
        ("> /dev/full", 2, "the table is lost, which is said"),
        ("2> /dev/full", 0, "notes may be lost"),
        (">&-", 0, "nobody wants the table"),
        ("2>&-", 0, "nobody wants the notes"),
        ("<&- >&- 2>&-", 0, "nor anything"),
        ("| true", 0, "nor all of it"),
    ],
)
def test_streams_that_cannot_be_written_cost_a_run_nothing(
    small: Path, shell: str, code: int, why: str
) -> None:
    if "|" in shell:
        shell = "2>&2 | true"
    done = start(command(small), shell=shell)
    if "|" not in shell:
        assert done.returncode == code, why
    assert ("Standard output cannot be written: No space" in told(done)) == (code == 2)
    start(command(small, "whole"))
    assert timeless(Path("results")) == timeless(Path("whole"))


@pytest.mark.parametrize("arguments", [["--help"], ["list", "models"], ["show", "prompt"]])
def test_light_commands_say_that_nothing_can_be_printed(small: Path, arguments: list[str]) -> None:
    if arguments[0] == "show":
        arguments = [*arguments, "--data", str(small), "--index", "2"]
    done = start([*MODULE, *arguments], shell="> /dev/full")
    assert done.returncode == 2
    assert told(done).startswith("racro-eval: Standard output cannot be written: No space left")
    assert told(done).count("\n") == 1
    assert start([*MODULE, *arguments], shell=">&-").returncode == 0


def test_names_that_an_encoding_does_not_know_are_spelt_out(small: Path) -> None:
    renamed = small.with_name("Größe.yaml")
    renamed.write_text(small.read_text().replace("Small", "Größe"), encoding="utf-8")
    done = start([*command(renamed), "--dry-run"], env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "Gr\\xf6\\xdfe" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"PATH": "/nowhere"}, "there is no git, though this is a checkout"),
        ({"HOME": ""}, "a container's user has no home"),
        ({"HOME": "/nowhere", "RACRO_CACHE": "/nowhere"}, "or one that is not there"),
    ],
)
def test_what_a_sidecar_would_like_to_know_costs_no_run(
    small: Path, env: dict[str, str], why: str
) -> None:
    done = start(command(small), env=env)
    assert done.returncode == 0, f"{why}: {done.stderr}"
    assert "qcap+sol" in told(done)


@pytest.mark.slow
@pytest.mark.parametrize("most", [6, 8, 9, 11])
def test_few_descriptors(small: Path, most: int) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    done = start(command(small), limit=limit)
    complaint = told(done)
    assert done.returncode in (0, 2, 3)
    if done.returncode:
        assert "Too many open files" in complaint
    start(command(small, "whole"))
    assert start(command(small)).returncode == 0
    assert timeless(Path("results")) == timeless(Path("whole"))


@pytest.mark.slow
@pytest.mark.parametrize("size", [600, 1500, 2500, 4500])
def test_a_limit_on_the_size_of_files(small: Path, tmp_path: Path, size: int) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = start(command(small), limit=limit)
    assert done.returncode == 2
    assert "File too large" in told(done) or "bytes fitted" in told(done)
    start(command(small, "whole"))
    assert start(command(small)).returncode == 0
    assert timeless(Path("results")) == timeless(Path("whole"))


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[[str, int], Path]]:
    """Mounts small disks; skips where that is not allowed."""
    mounted: list[Path] = []

    def small_disk(name: str, pages: int) -> Path:
        path = tmp_path / name
        path.mkdir()
        options = f"size={pages * resource.getpagesize()}"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "none", str(path)], capture_output=True
        )
        if done.returncode:
            pytest.skip("mounting a small disk needs root and the right to mount")
        mounted.append(path)
        return path

    if not shutil.which("mount"):
        pytest.skip("there is no mount command")
    yield small_disk
    for path in mounted:
        subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("pages", [1, 2, 4, 6, 8])
def test_a_full_disk_keeps_what_is_finished(
    small: Path, mount: Callable[[str, int], Path], pages: int
) -> None:
    disk = mount("disk", pages)
    done = start(command(small, str(disk)))
    assert done.returncode == 2, done.stderr
    assert "No space left on device" in told(done) or "bytes fitted" in told(done)
    subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
    assert start(command(small, str(disk))).returncode == 0
    start(command(small, "whole"))
    assert timeless(disk) == timeless(Path("whole"))


@pytest.mark.slow
def test_a_full_temporary_folder_is_named(small: Path, mount: Callable[[str, int], Path]) -> None:
    disk = mount("temporary", 2)
    (disk / "filler").write_bytes(b"x" * 10)
    rows = small.parent / "small" / "rows.jsonl"
    rows.write_text(rows.read_text().replace("How many", "Once more, how many " * 100))
    done = start(command(small), env={"TMPDIR": str(disk)})
    assert done.returncode == 2
    assert "A temporary file cannot be written: [Errno 28] No space left" in told(done)
    assert "Set TMPDIR to a folder with free space." in done.stderr


@pytest.mark.slow
def test_a_read_only_disk_is_named(small: Path, mount: Callable[[str, int], Path]) -> None:
    disk = mount("disk", 100)
    start([*command(small, str(disk)), "--limit", "2"])
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    done = start(command(small, str(disk)))
    assert done.returncode == 2
    assert "Read-only file system" in told(done)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EMFILE], ids=errno.errorcode.get)
def test_any_file_operation_of_a_run_may_fail(
    small: Path, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    def go(results: str) -> int:
        return main([*command(small, results)[3:], "--limit", "3"])

    go("warm")  # what is done once only is not in the way
    counting = FileOperations()
    with counting.watched():
        assert go("whole") == 0
    moments = random.Random(number)
    for _ in range(25):
        failing = FileOperations(moments.randrange(1, counting.count + 1), fail)
        capsys.readouterr()
        with failing.watched():
            code = go("results")
        complaint = capsys.readouterr().err
        where = f"{failing.name}, operation {failing.count}: {complaint}"
        assert code in (0, 2, 3) or (code == 1 and "rows failed" in complaint), where
        assert "bug" not in complaint and "Traceback" not in complaint, where
        assert go("results") == 0, where
        assert timeless(Path("results")) == timeless(Path("whole")), where
        shutil.rmtree("results")
        gc.collect()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(28, "No space left on device", "/a/b"), "/a/b: No space left on device. Free"),
        (
            OSError(30, "Read-only file system", b"/a"),
            "/a: Read-only file system. Make it writable",
        ),
        (OSError(13, "Permission denied"), "Permission denied. Give this user access to it, or"),
        (OSError(24, "Too many open files", 7), "Too many open files. Raise the limit on open"),
        (OSError(116, "Stale file handle"), "Stale file handle. Check the network disk"),
        (OSError(36, "File name too long", "x" * 300), "File name too long. Give the model"),
        (OSError("only words"), "only words. Finished rows are kept"),
        (OSError(), "OSError. Finished rows are kept"),
        (MemoryError(), "There is not enough memory."),
        (RecursionError(), "The data is nested too deeply to be read."),
        (KeyError("x"), "This is a bug in racro-eval: KeyError: 'x' (--debug shows where)."),
    ],
)
def test_errors_that_nobody_raised_on_purpose(error: Exception, sentence: str) -> None:
    told = to_racro_error(error)
    assert sentence in str(told)
    assert isinstance(told, InternalError) == ("bug" in sentence)
    assert to_racro_error(told) is told


def test_an_error_that_names_no_file_takes_the_place_that_was_worked_on() -> None:
    error = to_racro_error(OSError(28, "No space left on device"), Path("results/Small"))
    assert str(error).startswith("results/Small: No space left on device. ")
