"""Cells made by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from racro_eval.leaderboard.collect import Cell
from racro_eval.scoring.metrics.registry import Part, Score


def cell(
    benchmark: str = "MathVision",
    mllm: str | None = "M",
    reasoner: str | None = None,
    correct: int = 50,
    *,
    variant: str = "qcap+sol",
    settings_hash: str = "aaaabbbb",
    base: str | None = None,
    samples: int = 100,
    expected: int = 100,
    truncated: int = 0,
    **more: Any,
) -> Cell:
    """A score of so many correct samples: the first ones are the right ones."""
    variant = "qa" if reasoner is None else variant
    score = Score(
        metric="accuracy",
        value=100 * correct / samples,
        whole=Part(correct, samples),
        samples=samples,
        expected=expected,
        statuses=Counter(correct=correct, truncated=truncated),
        breakdowns={"level": {"2": Part(correct, samples), "10": Part(0, 1)}},
        units={str(number): float(number < correct) for number in range(samples)},
    )
    path = Path(f"{variant}-key.graded.csv")
    return Cell(benchmark, mllm, reasoner, variant, settings_hash, "key", base, score, path, **more)
