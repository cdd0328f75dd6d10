"""Graded files as cells of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from racro_eval.errors import MissingError
from racro_eval.scoring import Score
from racro_eval.scoring.graded import SUFFIX, score_file
from racro_eval.sidecar import read_sidecar


@dataclass(frozen=True, slots=True)
class Cell:
    """One model (or pair of models) on one benchmark.

    mllm: None if the reasoner saw the question alone. reasoner: None for the MLLM's own answers.
    config: identifies all settings but the benchmark. base: the config of the tentative answers
    that the reasoner read, if it read any.
    """

    benchmark: str
    mllm: str | None
    reasoner: str | None
    variant: str
    config: str
    key: str
    base: str | None
    score: Score
    path: Path


def load_cell(path: Path) -> Cell:
    """The cell of a graded file. Raises CacheError if it or its sidecar is not readable."""
    score, spec = score_file(path)
    manifest = read_sidecar(path)
    labels = manifest.get("labels") or {}
    tentative = (manifest.get("parents") or {}).get("tentative") or {}
    return Cell(
        benchmark=spec.name,
        mllm=labels.get("mllm"),
        reasoner=labels.get("reasoner"),
        variant=str(labels.get("variant")),
        config=str(manifest.get("config")),
        key=str(manifest.get("key")),
        base=tentative.get("config"),
        score=score,
        path=path,
    )


def collect(paths: Iterable[Path]) -> list[Cell]:
    """The cells of graded files, in the order of the files."""
    return [load_cell(path) for path in paths]


def find_graded(results: Path) -> list[Path]:
    """All graded files under a results folder, sorted. Raises MissingError if there is none."""
    if not results.is_dir():
        raise MissingError(f"There is no results folder {results}; name one with --results.")
    paths = sorted(results.rglob(f"*{SUFFIX}"))
    if not paths:
        raise MissingError(f"{results} holds no graded files yet; `racro-eval run` makes them.")
    return paths
