"""What faults are put into: a small benchmark, a sweep of the echo engine over it, in a folder.

Commands name everything by relative paths, so a folder can be copied and the copy goes on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.faults.evidence import state
from tests.faults.process import Exit, start
from tests.support.benchmarks import make_json_benchmark

RUN = ["--config", "sweep.yaml"]
MERGE = ["merge"]
LEADERBOARD = ["leaderboard"]
RESULTS = "results"


@dataclass(frozen=True, slots=True)
class Ground:
    """A folder with a benchmark and a sweep over it, and what an undisturbed run leaves.

    commands: all that a user types, in turn, until everything is there.
    """

    folder: Path
    commands: Sequence[Sequence[str]]
    wanted: dict[str, Any]

    def lay(self, folder: Path) -> Path:
        """Copy it, results left out; gives the folder of the results to come."""
        for path in self.folder.iterdir():
            if path.name == RESULTS or path.name.startswith(("out-", "err-")):
                continue
            if path.is_dir():
                shutil.copytree(path, folder / path.name)
            else:
                shutil.copy(path, folder / path.name)
        return folder / RESULTS

    def finished(self, folder: Path) -> Path:
        """Copy it with the results of the undisturbed run; gives their folder."""
        self.lay(folder)
        shutil.copytree(self.folder / RESULTS, folder / RESULTS)
        return folder / RESULTS


def make_ground(
    folder: Path,
    rows: int,
    *,
    latency_s: float = 0.0,
    commands: Sequence[Sequence[str]] = (RUN, LEADERBOARD),
    answer: str | None = None,
    **more: Any,
) -> Ground:
    """Make a ground and its undisturbed run. more: further settings of the sweep.

    latency_s: for each row, of the runs to be disturbed. answer: the gold answer of all rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    make_json_benchmark(folder, rows, without_image=(2,))
    if answer is not None:
        _set_answers(folder / "small" / "rows.jsonl", answer)
    write_sweep(folder, 0.0, **more)
    for command in commands:
        finish(command, folder)
    wanted = state(folder / RESULTS)
    write_sweep(folder, latency_s, **more)
    return Ground(folder, commands, wanted)


def write_sweep(folder: Path, latency_s: float, **more: Any) -> None:
    """The sweep file: a captioner and a reasoner that answer after so many seconds.

    more: settings beside these, or in their place.
    """
    models = [
        {"name": name, "model": name, "engine": "echo", "options": {"latency_s": latency_s}}
        for name in ("captioner", "reasoner")
    ]
    settings = {
        "data": ["Small.yaml"],
        "data_root": ".",
        "mllm": "captioner",
        "reasoner": "reasoner",
        "models": models,
        **more,
    }
    (folder / "sweep.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


def _set_answers(path: Path, answer: str) -> None:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [json.dumps({**row, "answer": answer, "options": []}) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def finish(command: Sequence[str], folder: Path) -> Exit:
    """Run a command that nothing disturbs; it must end well."""
    end = start(command, folder).finish()
    if end.code != 0:
        raise AssertionError(f"{' '.join(command)}: exit {end.code}: {end.err[-600:]}")
    return end
