"""What a machine refuses: a full disk, sizes, descriptors, folders that cannot be written, streams
that are closed or full, a HOME, TMPDIR, `git` or locale that is not there.

Each limit holds for one command, over results that an earlier command has begun; then the limit is
gone and the same command runs again. Root may write everywhere and mount a small file system; where
that is not so the case is skipped.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.campaign import Case, Outcome, Skip
from tests.faults.evidence import answers, state
from tests.faults.ground import LEADERBOARD, MERGE, RESULTS, RUN, Ground, finish, make_ground
from tests.faults.process import Prepare, start

NAME = "limits"
SHORT = 24
LONG = None
_ROWS = 6
_SHARDS = [[*RUN, "--shard", "1/2"], [*RUN, "--shard", "2/2"]]


@dataclass(frozen=True, slots=True)
class _Scene:
    name: str
    before: Sequence[Sequence[str]]
    command: Sequence[str]


_SCENES = (
    _Scene("run", [[*RUN, "--limit", "2"]], RUN),
    _Scene("merge", _SHARDS, MERGE),
    _Scene("leaderboard", [RUN], LEADERBOARD),
)


def cases(ground: Path, seed: int) -> Iterator[Case]:
    """Each limit for each command."""
    for number, scene in enumerate(_SCENES):
        here = make_ground(ground / str(number), _ROWS, commands=scene.before)
        whole = ground / f"{number}-whole"
        whole.mkdir()
        here.finished(whole)
        finish(scene.command, whole)
        wanted = state(whole / RESULTS)
        for name, run in _limits():
            yield Case(f"{scene.name}: {name}", partial(_case, here, scene, wanted, run))


Limited = Callable[[_Scene, Path, Outcome], None]


def _case(
    here: Ground,
    scene: _Scene,
    wanted: dict[str, object],
    limited: Limited,
    folder: Path,
    outcome: Outcome,
) -> None:
    results = here.finished(folder)
    before = answers(results)
    limited(scene, folder, outcome)
    outcome.injected()
    kept = outcome.check_kept(before, results, "under the limit")
    end = start(scene.command, folder).finish()
    done = scene.command == MERGE and not list(results.rglob("*.shard-*.csv"))
    outcome.check_exit(end, codes=[0, 3] if done else [0])
    outcome.check_kept(kept, results, "after the limit")
    outcome.check_equal(results, wanted)


def _limits() -> Iterator[tuple[str, Limited]]:
    for size in (1, 50, 200, 700, 1000, 1500, 2500, 4000):
        yield f"no file over {size} bytes", partial(_prepared, partial(_file_size, size))
    for count in (4, 6, 8, 10, 12, 16, 20, 24):
        yield f"{count} descriptors", partial(_prepared, partial(_descriptors, count))
    for free in (0, 4096, 8192, 16384, 24576):
        yield f"a disk with {free} bytes free", partial(_on_small_disk, free)
    for name, redirection in _STREAMS.items():
        yield name, partial(_streams, redirection)
    for name, settings in _ENVIRONMENTS.items():
        yield name, partial(_environment, settings)
    yield "a read-only results folder", _read_only
    yield "a full TMPDIR", _full_tmpdir


_STREAMS = {
    "stdout closed": ">&-",
    "stderr closed": "2>&-",
    "stdin closed": "<&-",
    "all streams closed": "<&- >&- 2>&-",
    "stdout full": ">/dev/full",
    "stderr full": "2>/dev/full",
    "stdout and stderr full": ">/dev/full 2>&1",
    "stdout into a pipe that closed": "| true",
    "stdout and stderr into a pipe that closed": "2>&1 | true",
}
_ENVIRONMENTS = {
    "no HOME": ["-u", "HOME"],
    "HOME is not there": ["HOME=/nonexistent"],
    "HOME is a file": ["HOME=/dev/null"],
    "no git": ["PATH=/nonexistent"],
    "no environment": ["-i"],
    "locale C": ["LC_ALL=C", "PYTHONUTF8=0", "PYTHONCOERCECLOCALE=0"],
    "TMPDIR is not there": ["TMPDIR=/nonexistent"],
    "a dumb terminal": ["TERM=dumb", "COLUMNS=1"],
    "columns that are no number": ["COLUMNS=many", "LINES=few"],
}


def _prepared(prepare: Prepare, scene: _Scene, folder: Path, outcome: Outcome) -> None:
    outcome.check_exit(start(scene.command, folder, prepare=prepare).finish())


def _file_size(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _descriptors(count: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def _streams(redirection: str, scene: _Scene, folder: Path, outcome: Outcome) -> None:
    _shell(f"racro {redirection}", [], scene, folder, outcome)


def _environment(settings: Sequence[str], scene: _Scene, folder: Path, outcome: Outcome) -> None:
    _shell("racro", settings, scene, folder, outcome)


def _shell(
    line: str, settings: Sequence[str], scene: _Scene, folder: Path, outcome: Outcome
) -> None:
    """Run the command by a shell's line, in which `racro` stands for it."""
    end = start(
        scene.command, folder, fresh=True, shell=line, environment=["env", *settings]
    ).finish()
    outcome.check_exit(end)


def _on_small_disk(free: int, scene: _Scene, folder: Path, outcome: Outcome) -> None:
    """The results on a file system that has so much left."""
    results = folder / RESULTS
    aside = folder / "aside"
    results.rename(aside)
    results.mkdir()
    _mount(results, 1 << 20)
    try:
        shutil.copytree(aside, results, dirs_exist_ok=True)
        before = answers(results)
        _leave(results / "ballast", free)
        outcome.check_exit(start(scene.command, folder).finish())
        outcome.check_kept(before, results, "on the full disk")
        (results / "ballast").unlink()
        shutil.rmtree(aside)
        shutil.copytree(results, aside)
    finally:
        subprocess.run(["umount", "-l", str(results)], check=False, capture_output=True)
    results.rmdir()
    aside.rename(results)


def _full_tmpdir(scene: _Scene, folder: Path, outcome: Outcome) -> None:
    place = folder / "tmp"
    place.mkdir()
    _mount(place, 1 << 16)
    try:
        _leave(place / "ballast", 0)
        end = start(scene.command, folder, env={"TMPDIR": str(place)}, fresh=True).finish()
        outcome.check_exit(end)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


def _mount(place: Path, size: int) -> None:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "none", str(place)],
        check=False,
        capture_output=True,
    )
    if done.returncode != 0:
        raise Skip("mounting a tmpfs is not allowed here")


def _leave(ballast: Path, free: int) -> None:
    """Fill a file system until so much is free."""
    about = os.statvfs(ballast.parent)
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        file.write(b"x" * max(0, about.f_bavail * about.f_bsize - free))


def _read_only(scene: _Scene, folder: Path, outcome: Outcome) -> None:
    results = folder / RESULTS
    done = subprocess.run(
        ["mount", "--bind", "-o", "ro", str(results), str(results)],
        check=False,
        capture_output=True,
    )
    if done.returncode != 0:
        raise Skip("mounting is not allowed here")
    try:
        outcome.check_exit(start(scene.command, folder).finish())
    finally:
        subprocess.run(["umount", "-l", str(results)], check=False, capture_output=True)
