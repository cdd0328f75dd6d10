"""Every operation on a file as the point of a fault, in a run, in grading and in a merge.

One undisturbed command tells which operations there are (open, write, fsync, ftruncate, replace,
unlink, close, mkdir, flock, of descriptors and of file objects); `faulty.py` says what can happen
to each. Before the fault there are rows of an earlier command on disk; after it the same command
runs again, undisturbed.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.campaign import Case, Outcome
from tests.faults.evidence import answers, state
from tests.faults.faulty import ALWAYS, ERRORS, Fault, install
from tests.faults.ground import MERGE, RESULTS, RUN, Ground, make_ground
from tests.faults.process import start

NAME = "crash_points"
SHORT = 50
LONG = 900
_ROWS = 4


@dataclass(frozen=True, slots=True)
class _Scene:
    """before: commands whose results are there. command: the one to be disturbed.

    without: files that are removed first, as a pattern.
    """

    name: str
    before: Sequence[Sequence[str]]
    command: Sequence[str]
    without: str = ""


_SHARDS = [[*RUN, "--shard", "1/2"], [*RUN, "--shard", "2/2"]]
_SCENES = (
    _Scene("run", [], RUN),
    _Scene("resumed run", [[*RUN, "--limit", "2"]], RUN),
    _Scene("grading", [RUN], RUN, without="*.graded.*"),
    _Scene("shard", [[*RUN, "--limit", "3"], _SHARDS[0]], _SHARDS[1]),
    _Scene("merge", _SHARDS, MERGE),
)


def cases(ground: Path, seed: int) -> Iterator[Case]:
    """Each operation of each scene with each thing that can go wrong there."""
    for number, scene in enumerate(_SCENES):
        here = make_ground(ground / str(number), _ROWS, commands=[*scene.before])
        _remove(here.folder / RESULTS, scene.without)
        operations = _operations(here, scene, ground / f"{number}-whole")
        wanted = state(ground / f"{number}-whole" / RESULTS)
        for point, operation in enumerate(operations):
            for action in (*ALWAYS, *ERRORS[operation]):
                fault = Fault(point, action)
                name = f"{scene.name}: {action} at operation {point}, {operation}"
                yield Case(name, partial(_case, here, scene, fault, operation, wanted))


def _remove(results: Path, pattern: str) -> None:
    for path in results.rglob(pattern) if pattern else ():
        path.unlink()


def _operations(here: Ground, scene: _Scene, folder: Path) -> list[str]:
    folder.mkdir()
    _lay(here, folder)
    log = folder / "operations"
    end = start(scene.command, folder, prepare=partial(install, folder / RESULTS, log)).finish()
    assert end.code == 0, end.err
    return log.read_text().split()


def _lay(here: Ground, folder: Path) -> Path:
    results = here.lay(folder)
    if (here.folder / RESULTS).exists():
        shutil.copytree(here.folder / RESULTS, results)
    return results


def _case(
    here: Ground,
    scene: _Scene,
    fault: Fault,
    operation: str,
    wanted: dict[str, object],
    folder: Path,
    out: Outcome,
) -> None:
    results = _lay(here, folder)
    before = answers(results)
    disturbed = partial(install, results, None, fault)
    out.injected()
    end = start(scene.command, folder, prepare=disturbed).finish()
    # A run makes an orderly end of TERM; a merge, which takes a second, may simply be ended by it.
    ended = fault.action == "TERM" and scene.command == MERGE and end.code == -signal.SIGTERM
    out.check_exit(end, killed=ended or fault.action in ("kill", "half"))
    kept = out.check_kept(before, results, "after the fault")
    # What the disk refused to remove is still there; the next command removes it.
    if end.code == 0 and fault.action not in ("kill", "half") and operation != "unlink":
        out.check_equal(results, wanted)
    out.check_exit(start(scene.command, folder).finish(), codes=_ends(scene, results))
    out.check_kept(kept, results, "after the resumed run")
    out.check_equal(results, wanted)


def _ends(scene: _Scene, results: Path) -> list[int]:
    """How the command may end when it runs again: a merge that was all but done finds no shards."""
    done = scene.command == MERGE and not list(results.rglob("*.shard-*.csv"))
    return [0, 3] if done else [0]
