"""Files cut at every byte, as a crashed machine or a broken copy leaves them; and zeros in place of
what is cut, as a file system does that had grown the file before it wrote.

The stage's CSV, its sidecar, the graded CSV and the graded sidecar, each after a finished run.
Whole records before the cut must be kept; `leaderboard` must name what is wrong or show the table;
the same run must bring everything back.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.faults.campaign import Case, Outcome
from tests.faults.evidence import answers, is_stage_file
from tests.faults.ground import LEADERBOARD, RESULTS, RUN, Ground, make_ground
from tests.faults.process import start

NAME = "cuts"
SHORT = 24
LONG = 1500
_ROWS = 3


def cases(ground: Path, seed: int) -> Iterator[Case]:
    """Each file, each byte; every seventh cut leaves zeros."""
    here = make_ground(ground / "here", _ROWS)
    results = here.folder / RESULTS
    files = [p for p in sorted(results.rglob("*")) if p.suffix in (".csv", ".json")]
    chance = random.Random(seed)
    for path in files:
        if path.name.startswith("."):
            continue
        for end in range(path.stat().st_size):
            zeros = chance.random() < 1 / 7
            name = f"{path.name}, {'zeros from' if zeros else 'cut at'} byte {end}"
            where = path.relative_to(here.folder)
            yield Case(name, partial(_case, here, where, end, zeros))


def _case(here: Ground, where: Path, end: int, zeros: bool, folder: Path, outcome: Outcome) -> None:
    results = here.finished(folder)
    whole = (folder / where).read_bytes()
    kept = whole[:end] + (b"\0" * (len(whole) - end) if zeros else b"")
    (folder / where).write_bytes(kept)
    outcome.injected()
    before = answers(results)
    table = start(LEADERBOARD, folder).finish()
    outcome.check_exit(table, codes=[0, 2, 3])
    if is_stage_file(where) and "emove" in table.err and where.name in table.err:
        outcome.blame("rows lost", f"the advice costs rows: {table.err[-300:]!r}")
    outcome.check_kept(before, results, "after the leaderboard")
    run = start(RUN, folder).finish()
    outcome.check_exit(run, codes=[0, 2] if where.suffix == ".json" else [0])
    outcome.check_kept(before, results, "after the run")
    if run.code == 2:
        _do_as_told(run.err, folder / where, outcome)
        outcome.check_exit(start(RUN, folder).finish(), codes=[0])
    outcome.check_exit(start(LEADERBOARD, folder).finish(), codes=[0])
    outcome.check_equal(results, here.wanted)


def _do_as_told(said: str, path: Path, outcome: Outcome) -> None:
    """An unreadable sidecar holds no rows: the user is told to remove it, and does."""
    if path.name not in said or "emove" not in said:
        outcome.blame("other", f"the file and the remedy are not named: {said[-300:]!r}")
    path.unlink()
