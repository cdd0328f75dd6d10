"""Results that an earlier version wrote (commit 9a8b602, the Demo and the echo engine): what has
been paid for once is still read, reused and shown.

`old_results/` holds a finished run of the echo engine (two variants, two samples), one of the
shipped models, and two shards that were not merged yet.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.faults.campaign import Case, Outcome
from tests.faults.evidence import answers
from tests.faults.ground import LEADERBOARD, MERGE, RESULTS
from tests.faults.process import Exit, start

NAME = "old_caches"
SHORT = 5
LONG = None
_HERE = Path(__file__).with_name("old_results")
_DEMO = ["--data", "Demo_MINI"]
_ECHO = [*_DEMO, "--limit", "3", "--mllm", "echo:captioner", "--reasoner", "echo:reasoner"]
_ECHO += ["--samples", "2", "--variant", "qcap+sol", "cap"]
_SHARDED = [*_DEMO, "--limit", "4", "--mllm", "echo:sharded", "--reasoner", "echo:reasoner"]

Check = Callable[[Exit, Path, Outcome], None]


def cases(ground: Path, seed: int) -> Iterator[Case]:
    """What a person does with old results."""
    table = [
        ("leaderboard", [LEADERBOARD], _shows_all),
        ("graded again", [_ECHO], _reuses_all),
        ("run again", [_ECHO], _reuses_all),
        ("a merge and a run of the whole", [MERGE, _SHARDED], _reuses_all),
        ("a run of the shipped models, planned", [[*_DEMO, "--limit", "2", "--dry-run"]], _planned),
    ]
    for name, commands, check in table:
        yield Case(name, partial(_case, commands, check, name == "graded again"))


def _case(
    commands: Sequence[Sequence[str]], check: Check, ungraded: bool, folder: Path, outcome: Outcome
) -> None:
    results = folder / RESULTS
    shutil.copytree(_HERE, results)
    for path in results.rglob("*.graded.*") if ungraded else ():
        path.unlink()
    before = answers(results)
    outcome.injected()
    for command in commands:
        end = start(command, folder).finish()
        outcome.check_exit(end, codes=[0])
    after = outcome.check_kept(before, results, "by this version")
    if more := set(after) - set(before):
        outcome.blame("unequal", f"{len(more)} rows were asked for again: {sorted(more)[:3]}")
    check(end, results, outcome)


def _shows_all(end: Exit, results: Path, outcome: Outcome) -> None:
    for name in ("captioner", "reasoner", "demo-captioner", "demo-reasoner-weak"):
        if name not in end.out:
            outcome.blame("unequal", f"the leaderboard does not show {name}")


def _reuses_all(end: Exit, results: Path, outcome: Outcome) -> None:
    if "reasoner" not in end.out:
        outcome.blame("unequal", f"no table was shown: {end.out[-300:]!r}")


def _planned(end: Exit, results: Path, outcome: Outcome) -> None:
    """The plan names the shipped captioner; whether its rows are reused is the key's matter."""
    if "demo-captioner" not in end.out:
        outcome.blame("unequal", f"the plan does not name the captioner: {end.out[-300:]!r}")
