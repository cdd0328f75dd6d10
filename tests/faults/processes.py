"""Several processes on the same files at once: 2 and 8 runs, runs of shards beside a merge of them,
two merges, a run beside a leaderboard; with locks that work, and with locks that succeed for
everyone, as network disks mounted without locks have them, or that are refused.

All must end; a process that cannot go on beside another one says so in a sentence. No row that was
on disk may be lost or spoiled, and one more run brings what an undisturbed one would have written.
"""

from __future__ import annotations

import errno
import fcntl
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.campaign import Case, Outcome
from tests.faults.evidence import answers, is_stage_file, whole_records
from tests.faults.ground import LEADERBOARD, MERGE, RESULTS, RUN, Ground, make_ground
from tests.faults.process import Prepare, start

NAME = "processes"
SHORT = 6
LONG = 60
_ROWS = 16
_LATENCY_S = 0.01
_SHARDS = [[*RUN, "--shard", "1/2"], [*RUN, "--shard", "2/2"]]


@dataclass(frozen=True, slots=True)
class _Scene:
    """before: commands that have ended. together: those that run at once."""

    name: str
    before: Sequence[Sequence[str]]
    together: Sequence[Sequence[str]]


_SCENES = (
    _Scene("2 runs", [], [RUN] * 2),
    _Scene("8 runs", [], [RUN] * 8),
    _Scene("2 runs that go on", [[*RUN, "--limit", "5"]], [RUN] * 2),
    _Scene("2 runs of different rows", [], [RUN, [*RUN, "--limit", "9"]]),
    _Scene("2 merges", _SHARDS, [MERGE] * 2),
    _Scene("8 merges", _SHARDS, [MERGE] * 8),
    _Scene("shards and their merge", _SHARDS[:1], [_SHARDS[1], MERGE, MERGE]),
    _Scene("a shard twice", [], [*_SHARDS, _SHARDS[0]]),
    _Scene("a merge and a run", _SHARDS, [MERGE, RUN]),
    _Scene("a run and leaderboards", [[*RUN, "--limit", "9"]], [RUN, *[LEADERBOARD] * 4]),
)


def _always_locks(fd: int, operation: int) -> None:
    """A lock that succeeds for everyone."""


def _never_locks(fd: int, operation: int) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def _no_locks_known(fd: int, operation: int) -> None:
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def _lock_for_everyone() -> None:
    fcntl.flock = _always_locks
    fcntl.lockf = lambda *_: None


def _lock_refused() -> None:
    fcntl.flock = _never_locks
    fcntl.lockf = lambda *_: _never_locks(0, 0)


def _lock_unknown() -> None:
    fcntl.flock = _no_locks_known
    fcntl.lockf = lambda *_: _no_locks_known(0, 0)


_LOCKS: dict[str, Prepare | None] = {
    "locks": None,
    "locks for everyone": _lock_for_everyone,
    "locks refused": _lock_refused,
    "no locks": _lock_unknown,
}


def cases(ground: Path, seed: int) -> Iterator[Case]:
    """Each scene with each kind of lock, several times."""
    chance = random.Random(seed)
    grounds = {}
    for number, scene in enumerate(_SCENES):
        sharded = any("--shard" in command for command in [*scene.before, *scene.together])
        if sharded not in grounds:
            grounds[sharded] = make_ground(
                ground / str(number),
                _ROWS,
                latency_s=_LATENCY_S,
                commands=[*_SHARDS, MERGE, RUN] if sharded else [RUN],
            )
    for turn in range(2):
        for scene in _SCENES:
            here = grounds[any("--shard" in c for c in [*scene.before, *scene.together])]
            for locks, prepare in _LOCKS.items():
                if scene.name == "8 merges" and turn:
                    continue
                name = f"{turn}: {scene.name}, {locks}"
                pause = chance.choice((0.0, 0.0, 0.02, 0.1))
                yield Case(name, partial(_case, here, scene, prepare, pause))


def _case(
    here: Ground,
    scene: _Scene,
    prepare: Prepare | None,
    pause: float,
    folder: Path,
    outcome: Outcome,
) -> None:
    results = here.lay(folder)
    for command in scene.before:
        outcome.check_exit(start(command, folder, prepare=prepare).finish())
    before = answers(results)
    running = []
    for command in scene.together:
        running.append(start(command, folder, prepare=prepare))
        time.sleep(pause)
    outcome.injected()
    for process in running:
        outcome.check_exit(process.finish())
    # Whoever runs the whole beside a merge of its shards asks for rows that these have, too.
    twice = RUN in scene.together and MERGE in scene.together
    kept = outcome.check_kept(before, results, "beside each other", texts_only=twice)
    _check_whole(results, outcome)
    _afterwards(here, scene, prepare, folder, outcome)
    outcome.check_kept(kept, results, "at the end", texts_only=twice)
    outcome.check_equal(results, here.wanted)


def _afterwards(
    here: Ground, scene: _Scene, prepare: Prepare | None, folder: Path, outcome: Outcome
) -> None:
    """What a person types next: shards that were not run, the merge, and the run itself."""
    commands = [command for command in here.commands if command != MERGE]
    for command in commands[:-1]:
        if scene.before or scene.together:
            outcome.check_exit(start(command, folder, prepare=prepare).finish(), codes=[0])
    if list((folder / RESULTS).rglob("*.shard-*.csv")):
        outcome.check_exit(start(MERGE, folder, prepare=prepare).finish(), codes=[0])
    outcome.check_exit(start(commands[-1], folder, prepare=prepare).finish(), codes=[0])


def _check_whole(results: Path, outcome: Outcome) -> None:
    """No record in the middle of a file is torn: each has as many fields as its header."""
    for path in results.rglob("*.csv"):
        if is_stage_file(path):
            counts = {record.count(b'","') for record in whole_records(path.read_bytes())}
            if len(counts) > 1:
                outcome.blame("rows lost", f"{path.name} has torn records")
