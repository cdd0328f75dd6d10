"""Names of models and benchmarks that nobody would choose: each of `NAMES` in
tests/support/hostile.py, as the name of captioner and reasoner at once, and of a benchmark.

A name is taken or refused in one sentence. One that is taken gives results under the results folder
alone, a table without control characters, and a second run that finds every row of the first.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import yaml

from tests.faults.campaign import Case, Outcome
from tests.faults.evidence import answers
from tests.faults.ground import LEADERBOARD, RESULTS, RUN, Ground, make_ground, write_sweep
from tests.faults.process import start
from tests.support.hostile import NAMES

NAME = "names"
SHORT = 12
LONG = None
_ROWS = 2
_STEERING = frozenset(
    {chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))} - {"\n"}
    | {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
)
"""Control characters, and those that change the direction of what follows."""


def cases(ground: Path, seed: int) -> Iterator[Case]:
    """Each name as that of models, and as that of a benchmark."""
    here = make_ground(ground / "here", _ROWS, commands=[])
    for number, name in enumerate(NAMES):
        spelt = json.dumps(name)[:40].replace('"', "'")
        yield Case(f"{number}: models {spelt}", partial(_models, here, name))
        yield Case(f"{number}: benchmark {spelt}", partial(_benchmark, here, name))


def _models(here: Ground, name: str, folder: Path, outcome: Outcome) -> None:
    here.lay(folder)
    model = {"name": name, "model": "m", "engine": "echo"}
    try:
        write_sweep(folder, 0.0, models=[model], mllm=name, reasoner=name)
    except UnicodeEncodeError:  # no YAML file can hold it
        return
    _run(folder, outcome)


def _benchmark(here: Ground, name: str, folder: Path, outcome: Outcome) -> None:
    here.lay(folder)
    spec = yaml.safe_load((folder / "Small.yaml").read_text(encoding="utf-8"))
    spec |= {"name": name, "title": name}
    try:
        (folder / "Small.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    except UnicodeEncodeError:
        return
    _run(folder, outcome)


def _run(folder: Path, outcome: Outcome) -> None:
    results = folder / RESULTS
    around = _around(folder)
    outcome.injected()
    end = start(RUN, folder).finish()
    outcome.check_exit(end, codes=[0, 2])
    shown_well(end.out + end.err, outcome)
    if end.code == 0:
        before = answers(results)
        if len(before) != 3 * _ROWS - 2:
            outcome.blame("rows lost", f"{len(before)} rows, not {3 * _ROWS - 2}")
        outcome.check_exit(start(RUN, folder).finish(), codes=[0])
        outcome.check_kept(before, results, "after the second run")
        for form in ("rich", "md", "csv", "tex", "html"):
            _table(form, folder, outcome)
    shutil.rmtree(results, ignore_errors=True)
    if more := _around(folder) - around:
        outcome.blame("other", f"files outside the results: {sorted(more)}")


def _table(form: str, folder: Path, outcome: Outcome) -> None:
    command = [*LEADERBOARD, "--format", form]
    table = start(command, folder).finish()
    outcome.check_exit(table, codes=[0])
    shown_well(table.out + table.err, outcome)


def _around(folder: Path) -> set[str]:
    """All paths beside the results, and those beside the folder itself."""
    return {
        str(path)
        for path in (*folder.rglob("*"), *folder.parent.glob("*"))
        if not path.name.startswith(("out-", "err-", RESULTS))
        and RESULTS not in path.relative_to(folder.parent).parts
    }


def shown_well(text: str, outcome: Outcome) -> None:
    """Nothing that steers a terminal was printed; a tab, as in a log line, does not."""
    if odd := sorted(_STEERING.intersection(text.replace("\r\n", "\n")) - {"\t"}):
        outcome.blame("other", f"control characters were shown: {odd}")
