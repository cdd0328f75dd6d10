"""What a score cost: tokens and time of the stages behind it, from their files and sidecars."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from racro_eval.leaderboard.collect import Cell
from racro_eval.leaderboard.reading import read_ahead
from racro_eval.store.sidecar import read_sidecar

STAGES = ("caption", "tentative", "reason")
_COLUMNS = ("prompt_tokens", "completion_tokens", "finish_reason", "latency_s")
_Run = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StageUsage:
    """One stage's file: its rows, their tokens, and the wall time of the runs that wrote them.

    out_of_tokens: rows that ended so. latency_s: summed over rows, which run side by side.
    wall_s: None if no run told it. wall_tokens: the completion tokens that were made in that time.
    """

    stage: str
    rows: int
    prompt_tokens: int
    completion_tokens: int
    out_of_tokens: int
    latency_s: float
    wall_s: float | None
    wall_tokens: int

    @property
    def tokens_per_second(self) -> float | None:
        """Completion tokens per second of wall time."""
        return self.wall_tokens / self.wall_s if self.wall_s else None


def stage_paths(cell: Cell) -> dict[str, Path | None]:
    """Stage → the file behind a score; None where the results do not hold it.

    So it is with texts from a file of the user's: nothing says what they cost.
    """
    own = cell.stage_path if cell.stage_path.is_file() else None
    if cell.reasoner is None:
        return {"tentative": own}
    folder = cell.path.parent.parent
    paths = {stage: _parent(folder, f"{stage}-{key}.csv") for stage, key in cell.parents.items()}
    paths["reason"] = own
    return {stage: paths[stage] for stage in STAGES if stage in paths}


def _parent(folder: Path, name: str) -> Path | None:
    """A file that a reasoner read: in its MLLM's folder, or in that of another answerer."""
    if (folder / name).is_file():
        return folder / name
    return next(folder.parent.glob(f"*/{name}"), None)


def read_usage(cells: Iterable[Cell]) -> dict[Path, StageUsage]:
    """File → what it cost, for all files behind these scores."""
    stages = {path: stage for cell in cells for stage, path in stage_paths(cell).items() if path}
    runs = {path: _runs(path) for path in stages}
    walls = divide_walls(runs)
    columns = read_ahead((path, _COLUMNS) for path in stages)
    found = {}
    for (path, stage), read in zip(stages.items(), columns, strict=True):
        wall, tokens = walls[path]
        found[path] = StageUsage(
            stage=stage,
            rows=len(read["prompt_tokens"]),
            prompt_tokens=sum(int(text or 0) for text in read["prompt_tokens"]),
            completion_tokens=sum(int(text or 0) for text in read["completion_tokens"]),
            out_of_tokens=read["finish_reason"].count("length"),
            latency_s=sum(float(text or 0) for text in read["latency_s"]),
            wall_s=wall,
            wall_tokens=tokens,
        )
    return found


def _runs(path: Path) -> list[_Run]:
    manifest = read_sidecar(path)
    model = json.dumps((manifest.get("settings") or {}).get("model"), sort_keys=True)
    return [{**run, "model": model} for run in manifest.get("runs", [])]


def divide_walls(runs: dict[Path, list[_Run]]) -> dict[Path, tuple[float | None, int]]:
    """File → wall seconds and the completion tokens made in them.

    One run of a model writes several files at once and its wall time is in each one's sidecar: it
    is divided among them by their completion tokens. A run that was killed told no time.
    """
    totals: dict[tuple[object, ...], int] = {}
    for some in runs.values():
        for run in some:
            totals[_identity(run)] = totals.get(_identity(run), 0) + _tokens(run)
    found: dict[Path, tuple[float | None, int]] = {}
    for path, some in runs.items():
        timed = [run for run in some if run.get("wall_s") and totals[_identity(run)]]
        seconds = sum(run["wall_s"] * _tokens(run) / totals[_identity(run)] for run in timed)
        found[path] = (seconds if timed else None, sum(map(_tokens, timed)))
    return found


def _identity(run: _Run) -> tuple[object, ...]:
    # Not by the time at which it ended: each file is finished at its own.
    return (run.get("model"), run.get("wall_s"), tuple(run.get("argv") or ()))


def _tokens(run: _Run) -> int:
    return int(run.get("completion_tokens") or 0)


def tokens_per_correct(cell: Cell, stages: Iterable[StageUsage | None]) -> float | None:
    """Completion tokens of all stages by right answers.

    None if there is no right one, or if what a stage cost is not known.
    """
    made = 0
    for stage in stages:
        if stage is None:
            return None
        made += stage.completion_tokens
    return made / cell.score.whole.correct if cell.score.whole.correct else None
