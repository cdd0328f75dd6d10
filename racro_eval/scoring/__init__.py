"""From verdicts to a benchmark's metric. Scoring is a pure function of the graded rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from racro_eval.data.spec import BenchmarkSpec
from racro_eval.errors import ConfigError
from racro_eval.scoring.accuracy import accuracy
from racro_eval.scoring.score import Part, Score

__all__ = ["Part", "Score", "score"]

METRICS: dict[str, Callable[[Iterable[Mapping[str, str]], BenchmarkSpec], Score]] = {
    "accuracy": accuracy,
}


def score(rows: Iterable[Mapping[str, str]], spec: BenchmarkSpec) -> Score:
    """The score of graded rows by the benchmark's own metric. Raises ConfigError if unknown."""
    if spec.metric not in METRICS:
        raise ConfigError(
            f"The benchmark {spec.name} asks for the metric {spec.metric!r}; "
            f"known: {', '.join(METRICS)}."
        )
    return METRICS[spec.metric](rows, spec)
