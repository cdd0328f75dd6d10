"""From verdicts to a benchmark's metric. Scoring is a pure function of the graded rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from racro_eval.data.spec import BenchmarkSpec
from racro_eval.errors import ConfigError
from racro_eval.scoring.metrics.accuracy import accuracy
from racro_eval.scoring.metrics.base import Part, Score
from racro_eval.scoring.metrics.dynamath import NEEDS as DYNAMATH_NEEDS
from racro_eval.scoring.metrics.dynamath import dynamath
from racro_eval.scoring.metrics.wemath import NEEDS as WEMATH_NEEDS
from racro_eval.scoring.metrics.wemath import wemath

__all__ = ["METRICS", "Metric", "Part", "Score", "metric_of", "score"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A function from graded rows to a score, and the meta columns it needs in them."""

    function: Callable[[Iterable[Mapping[str, str]], BenchmarkSpec], Score]
    needs: tuple[str, ...] = ()


METRICS: dict[str, Metric] = {
    "accuracy": Metric(accuracy),
    "dynamath": Metric(dynamath, DYNAMATH_NEEDS),
    "wemath": Metric(wemath, WEMATH_NEEDS),
}


def metric_of(spec: BenchmarkSpec) -> Metric:
    """The benchmark's metric. Raises ConfigError if it is unknown or lacks a column."""
    metric = METRICS.get(spec.metric)
    if metric is None:
        raise ConfigError(
            f"The benchmark {spec.name} asks for the metric {spec.metric!r}; "
            f"known: {', '.join(METRICS)}."
        )
    known = {name for source in spec.sources for name in source.meta}
    for name in metric.needs:
        if name not in known:
            raise ConfigError(
                f"The metric {spec.metric!r} of {spec.name} needs the meta column {name!r}, "
                "which no source gives."
            )
    return metric


def score(rows: Iterable[Mapping[str, str]], spec: BenchmarkSpec) -> Score:
    """The score of graded rows by the benchmark's own metric. Raises ConfigError if unknown."""
    return metric_of(spec).function(rows, spec)
