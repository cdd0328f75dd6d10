"""Benchmark specs made on the spot."""

from __future__ import annotations

from typing import Any

from racro_eval.data.layouts import JsonSource
from racro_eval.data.spec import BenchmarkSpec


def spec_with(metric: str, *meta: str, rows: int = 1000, **more: Any) -> BenchmarkSpec:
    """A spec of that metric, whose source gives these meta columns."""
    source = JsonSource(
        kind="json", file="rows.json", images="images", meta={name: name for name in meta}
    )
    return BenchmarkSpec(
        name="Made",
        title="Made",
        description="made by a test",
        paper="none",
        homepage="none",
        licence="none",
        rows=rows,
        sources=(source,),
        question="vqa",
        metric=metric,
        **more,
    )
