"""Reading what a run wrote."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from racro_eval.data.spec import BenchmarkSpec
from racro_eval.scoring.metrics.registry import Score, score
from racro_eval.stages.graded_file import read_graded

TIMES = ("latency_s", "created_at")
"""Columns that differ between two runs that do the same."""


def stage_files(results: Path) -> list[Path]:
    """The CSVs of stages, without the graded ones."""
    return sorted(path for path in results.rglob("*.csv") if not path.name.endswith(".graded.csv"))


def only(results: Path, stem: str) -> Path:
    """The one stage file of that stem."""
    (path,) = [path for path in stage_files(results) if path.stem.rpartition("-")[0] == stem]
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    """All rows of a CSV."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_json(path: Path) -> dict[str, Any]:
    """The sidecar of a CSV."""
    content: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    return content


def timeless(results: Path) -> dict[str, list[dict[str, str]]]:
    """All stage files and graded files, without the columns of time."""
    return {
        str(path.relative_to(results)): [
            {name: value for name, value in row.items() if name not in TIMES}
            for row in read_csv(path)
        ]
        for path in sorted(results.rglob("*.csv"))
    }


def score_of(path: Path) -> Score:
    """The score of a graded file, row by row with the csv module."""
    return score(read_graded(path), BenchmarkSpec.model_validate(read_json(path)["spec"]))
