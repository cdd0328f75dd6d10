"""Benchmark files, pictures and YAML as somebody could give them with bad intent, or by accident:
each of `DATA_CASES` in tests/support/hostile_data.py, through the whole pipeline.

A file is read, or its rows fail, or one sentence says what is wrong with it; the same command again
comes to the same. Nothing is written outside the results.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.faults.campaign import Case, Outcome
from tests.faults.evidence import state
from tests.faults.ground import RESULTS, RUN, Ground, make_ground, write_sweep
from tests.faults.names import shown_well
from tests.faults.process import start
from tests.support.benchmarks import write_spec
from tests.support.hostile_data import DATA_CASES, READS, DataCase

NAME = "data"
SHORT = 12
LONG = None


def cases(ground: Path, seed: int) -> Iterator[Case]:
    """Each file of the table."""
    here = make_ground(ground / "here", 3, commands=[])
    for case in DATA_CASES:
        yield Case(case.name, partial(_case, here, case))


def _case(here: Ground, case: DataCase, folder: Path, outcome: Outcome) -> None:
    results = here.lay(folder)
    command = _place(case, folder)
    before = _others(folder)
    outcome.injected()
    end = start(command, folder).finish()
    # A sweep that can be read may still name a benchmark that is not there.
    reads = case.expected == READS and case.kind != "sweep"
    outcome.check_exit(end, codes=[0, 1] if reads else [0, 1, 2, 3])
    shown_well(end.out + end.err, outcome)
    if more := _others(folder) - before:
        outcome.blame("other", f"files outside the results: {sorted(more)}")
    first = state(results)
    again = start(command, folder).finish()
    outcome.check_exit(again, codes=[end.code])
    outcome.check_equal(results, first)


def _place(case: DataCase, folder: Path) -> Sequence[str]:
    """Put the file where it belongs; gives the command that meets it."""
    if case.kind == "sweep":
        (folder / "hostile.yaml").write_bytes(case.content)
        return ["--config", "hostile.yaml"]
    if case.kind == "prompts":
        (folder / "mine.yaml").write_bytes(case.content)
        return [*RUN, "--prompts", "mine.yaml"]
    if case.kind == "benchmark":
        (folder / "Mine.yaml").write_bytes(case.content)
        return [*RUN, "--data", "Mine.yaml"]
    if case.kind == "image":
        (folder / "small" / "images" / "1.png").write_bytes(case.content)
        return RUN
    name = f"hostile.{case.kind}"
    (folder / name).write_bytes(case.content)
    source: dict[str, object] = {"kind": "tsv", "file": name}
    if case.kind != "tsv":
        fields = {"image": None, "options": "options"}
        source = {"kind": "json", "file": name, "images": ".", "fields": fields}
    write_spec(folder / "Hostile.yaml", source, 1, name="Hostile")
    write_sweep(folder, 0.0, data=["Hostile.yaml"])
    return [*RUN, "--limit", "20"]


def _others(folder: Path) -> set[str]:
    """All files but results and what the command has shown."""
    return {
        json.dumps(str(path.relative_to(folder)))
        for path in folder.rglob("*")
        if path.relative_to(folder).parts[0] != RESULTS
        and not path.name.startswith(("out-", "err-"))
    }
