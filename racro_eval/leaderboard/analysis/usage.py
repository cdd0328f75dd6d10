"""The cost of a score: tokens and time of its stages, from their files and sidecars."""

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

    out_of_tokens: rows that reached the limit of tokens. latency_s: summed over rows, which run
    concurrently. wall_s: None if no run recorded it. wall_tokens: the completion tokens that were
    generated in that time.
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
    """Stage → its file behind a score; None if the file is not in the results.

    That is so if the texts came from a file of the user: then their cost is unknown.
    """
    own = cell.stage_path if cell.stage_path.is_file() else None
    if cell.reasoner is None:
        return {"tentative": own}
    folder = cell.path.parent.parent
    paths = {stage: _parent(folder, f"{stage}-{key}.csv") for stage, key in cell.parents.items()}
    paths["reason"] = own
    return {stage: paths[stage] for stage in STAGES if stage in paths}


def _parent(folder: Path, name: str) -> Path | None:
    """A file that a reasoner read: in the folder of its MLLM, or of another one."""
    if (folder / name).is_file():
        return folder / name
    return next(folder.parent.glob(f"*/{name}"), None)


def read_usage(cells: Iterable[Cell]) -> dict[Path, StageUsage]:
    """File → its cost, for all files behind these scores."""
    stages = {path: stage for cell in cells for stage, path in stage_paths(cell).items() if path}
    runs = {path: _runs(path) for path in stages}
    walls = divide_walls(runs)
    columns = read_ahead((path, _COLUMNS) for path in stages)
    usage = {}
    for (path, stage), values in zip(stages.items(), columns, strict=True):
        wall, tokens = walls[path]
        usage[path] = StageUsage(
            stage=stage,
            rows=len(values["prompt_tokens"]),
            prompt_tokens=sum(int(text or 0) for text in values["prompt_tokens"]),
            completion_tokens=sum(int(text or 0) for text in values["completion_tokens"]),
            out_of_tokens=values["finish_reason"].count("length"),
            latency_s=sum(float(text or 0) for text in values["latency_s"]),
            wall_s=wall,
            wall_tokens=tokens,
        )
    return usage


def _runs(path: Path) -> list[_Run]:
    manifest = read_sidecar(path)
    model = json.dumps((manifest.get("settings") or {}).get("model"), sort_keys=True)
    return [{**run, "model": model} for run in manifest.get("runs", [])]


def divide_walls(runs: dict[Path, list[_Run]]) -> dict[Path, tuple[float | None, int]]:
    """File → wall seconds, and the completion tokens that were generated in them.

    One run of a model writes several files at once, and its wall time is in the sidecar of each: it
    is divided among them by their completion tokens. A run that was killed recorded no time.
    """
    totals: dict[tuple[object, ...], int] = {}
    for file_runs in runs.values():
        for run in file_runs:
            totals[_identity(run)] = totals.get(_identity(run), 0) + _tokens(run)
    walls: dict[Path, tuple[float | None, int]] = {}
    for path, file_runs in runs.items():
        timed = [run for run in file_runs if run.get("wall_s") and totals[_identity(run)]]
        seconds = sum(run["wall_s"] * _tokens(run) / totals[_identity(run)] for run in timed)
        walls[path] = (seconds if timed else None, sum(map(_tokens, timed)))
    return walls


def _identity(run: _Run) -> tuple[object, ...]:
    # Without the time at which it ended, which is different for each file.
    return (run.get("model"), run.get("wall_s"), tuple(run.get("argv") or ()))


def _tokens(run: _Run) -> int:
    return int(run.get("completion_tokens") or 0)


def tokens_per_correct(cell: Cell, stages: Iterable[StageUsage | None]) -> float | None:
    """Completion tokens of all stages per right answer.

    None if there is no right answer, or if the cost of a stage is unknown.
    """
    tokens = 0
    for stage in stages:
        if stage is None:
            return None
        tokens += stage.completion_tokens
    return tokens / cell.score.whole.correct if cell.score.whole.correct else None
