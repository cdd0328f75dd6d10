"""From verdicts to a benchmark's metric. Scoring is a pure function of the graded rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from racro_eval.common.registry import Registry
from racro_eval.errors import ConfigError
from racro_eval.scoring.metrics.base import Metric, Part, Score
from racro_eval.scoring.profiles import SCORERS

if TYPE_CHECKING:
    from racro_eval.data.spec import BenchmarkSpec

__all__ = ["METRICS", "Metric", "Part", "Score", "metric_of", "packages_of", "score"]

METRICS: Registry[Metric] = Registry(
    "metrics",
    "metric",
    Metric,
    {
        "accuracy": "racro_eval.scoring.metrics.accuracy:METRIC",
        "dynamath": "racro_eval.scoring.metrics.dynamath:METRIC",
        "wemath": "racro_eval.scoring.metrics.wemath:METRIC",
    },
)


def metric_of(spec: BenchmarkSpec) -> Metric:
    """The benchmark's metric.

    Raises ConfigError if it is unknown or lacks a column, and what the registry raises for a
    package that cannot be loaded.
    """
    if spec.metric not in METRICS:
        raise ConfigError(
            f"The benchmark {spec.name} asks for the metric {spec.metric!r}; "
            f"known: {', '.join(METRICS)}. If another package adds it, install that package."
        )
    metric = METRICS[spec.metric]
    known = {name for source in spec.sources for name in source.meta}
    for name in metric.needs:
        if name not in known:
            raise ConfigError(
                f"The metric {spec.metric!r} of {spec.name} needs the meta column {name!r}, "
                "which no source has."
            )
    return metric


def score(rows: Iterable[Mapping[str, str]], spec: BenchmarkSpec) -> Score:
    """The score of graded rows by the benchmark's own metric. Raises ConfigError if unknown."""
    return metric_of(spec).function(rows, spec)


def packages_of(spec: Mapping[str, object]) -> dict[str, str]:
    """Which other packages grade and score a benchmark, with their versions; empty for built-in.

    spec: a benchmark's spec as JSON's values, such as a graded file's sidecar holds. What was made
    with other versions of these packages is out of date.

        packages_of({"scorer": "chess", "metric": "accuracy"})  # {"scorer": "chess-eval 1.2"}
    """
    packages = {
        "scorer": SCORERS.package(str(spec.get("scorer"))),
        "metric": METRICS.package(str(spec.get("metric"))),
    }
    return {kind: package for kind, package in packages.items() if package}
