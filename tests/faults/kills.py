"""Signals at random moments: KILL, TERM and INT, once or twice, to the run or to its children.

The stages are told apart by what is on disk when the signal is sent, so that all of them are hit:
load (no row yet), perceive, reason, grade, finish, and the commands merge and leaderboard.
Afterwards the same commands run again, undisturbed.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.campaign import Case, Outcome
from tests.faults.evidence import answers
from tests.faults.ground import LEADERBOARD, MERGE, RUN, Ground, make_ground
from tests.faults.process import Running, start

NAME = "kills"
SHORT = 18
LONG = 260
_ROWS = 12
_LATENCY_S = 0.01
_SHARDS = [[*RUN, "--shard", "1/2"], [*RUN, "--shard", "2/2"]]
# Only a CAS can tell whether an answer is this, so that grading has children, too.
_FOR_A_WORKER = "\\int_0^1 7x dx"


@dataclass(frozen=True, slots=True)
class _Plan:
    """signals: their numbers, in turn. at: which part of the undisturbed time has gone by."""

    signals: tuple[int, ...]
    at: float
    target: str
    pause_s: float


def cases(ground: Path, seed: int) -> Iterator[Case]:
    """Signals to a run, and to runs of shards with their merge."""
    grounds = {
        "run": make_ground(ground / "run", _ROWS, latency_s=_LATENCY_S, answer=_FOR_A_WORKER),
        "shards": make_ground(
            ground / "shards",
            _ROWS,
            latency_s=_LATENCY_S,
            commands=[*_SHARDS, MERGE, RUN, LEADERBOARD],
        ),
    }
    chance = random.Random(seed)
    for number in range(LONG):
        which = "shards" if number % 4 == 3 else "run"
        signals = [chance.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT))]
        if chance.random() < 0.3:
            signals.append(chance.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT)))
        plan = _Plan(
            tuple(signals),
            chance.random(),
            chance.choice(("process", "process", "group", "child")),
            chance.choice((0.0, 0.001, 0.02, 0.1)),
        )
        names = "+".join(signal.Signals(one).name for one in signals)
        name = f"{number}: {names} to the {plan.target} of the {which} at {plan.at:.2f}"
        yield Case(name, partial(_case, grounds[which], number, plan))


def _case(ground: Ground, number: int, plan: _Plan, folder: Path, outcome: Outcome) -> None:
    results = ground.lay(folder)
    victim = number // 4 % len(ground.commands)
    for command in ground.commands[:victim]:
        outcome.check_exit(start(command, folder).finish(), codes=[0])
    before = answers(results)
    running = start(ground.commands[victim], folder)
    _until_part(running, ground, results, plan.at, victim)
    if _send(running, plan):
        outcome.injected()
    outcome.check_exit(running.finish(), killed=True)
    _no_child_stays(running, outcome)
    kept = outcome.check_kept(before, results, "after the signal")
    for command in ground.commands[victim:]:
        # A merge that was all but done finds no shards.
        done = command == MERGE and not list(results.rglob("*.shard-*"))
        outcome.check_exit(start(command, folder).finish(), codes=[0, 3] if done else [0])
    outcome.check_kept(kept, results, "after the resumed run")
    outcome.check_equal(results, ground.wanted)


def _until_part(running: Running, ground: Ground, results: Path, part: float, victim: int) -> None:
    """Wait until so much of the run is on disk, however fast the machine is."""
    if ground.commands[victim][0] in ("merge", "leaderboard"):
        time.sleep(0.12 * part)
        return
    files = len(ground.wanted)
    goal = part * 1.15 - 0.1  # the first tenth is the time before anything is there
    if goal <= 0:
        time.sleep(part)
        return
    running.wait(until=lambda: _progress(results, files) >= goal)


def _progress(results: Path, files: int) -> float:
    """Between 0 and 1: rows first, then the graded files."""
    rows = min(1.0, len(answers(results)) / (3 * _ROWS - 2))
    graded = sum(1 for path in results.rglob("*.graded*"))
    return 0.85 * rows + 0.15 * graded / files


def _send(running: Running, plan: _Plan) -> bool:
    sent = False
    for number in plan.signals:
        if plan.target == "child":
            for pid in running.children()[:1]:
                try:
                    os.kill(pid, number)
                    sent = True
                except ProcessLookupError:
                    pass
            if not sent:
                sent = running.signal(number)
        else:
            sent |= running.signal(number, group=plan.target == "group")
        time.sleep(plan.pause_s)
    return sent


def _no_child_stays(running: Running, outcome: Outcome) -> None:
    """What a run has started ends with it, also when it was killed."""
    for _ in range(500):
        left = [path for path in Path("/proc").glob("[0-9]*") if _group(path) == running.pid]
        if not left:
            return
        time.sleep(0.02)
    outcome.blame("hangs", f"processes of the killed run stay: {left}")


def _group(process: Path) -> int:
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1
    return -1 if fields[0] == "Z" else int(fields[2])
