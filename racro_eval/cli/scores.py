"""Printing a score: its headline, the benchmark's other metrics, its breakdowns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from racro_eval.scoring.metrics.registry import Part, Score


def print_score(benchmark: str, profile: str, score: Score) -> None:
    """Print a score with its metrics and breakdowns, and say if it is partial."""
    from rich.table import Table
    from rich.text import Text

    from racro_eval.cli.output import console, printable

    table = Table(box=None, pad_edge=False)
    for column in ("", "value", "score", "correct", "rows"):
        table.add_column(column, justify="left" if column in ("", "value") else "right")
    # The headline is the share of correct rows only if the metric is accuracy.
    counts = _counts(score.whole) if score.metric == "accuracy" else ("", "")
    title = Text(printable(benchmark), style="bold")
    table.add_row(title, Text(score.metric), _percent(score.value), *counts)
    for name, value in score.further.items():
        table.add_row("", Text(name), _percent(value), "", "")
    for breakdown, parts in score.breakdowns.items():
        for label, part in sorted(parts.items()):
            cells = (Text(printable(breakdown)), Text(printable(label)), _percent(part.percent))
            table.add_row(*cells, *_counts(part))
    out = console()
    out.print(table)
    statuses = ", ".join(f"{status} {count}" for status, count in score.statuses.most_common())
    grading = f"Graded by: {profile}. Rows by status: {statuses or 'none'}."
    out.print(printable(grading), markup=False, emoji=False)
    if score.refusal:
        out.print(printable(score.refusal), markup=False, emoji=False, soft_wrap=True)
    if score.partial:
        out.print(
            f"Partial: {score.samples} of {score.expected} samples. Not comparable with a "
            "complete run."
        )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _counts(part: Part) -> tuple[str, str]:
    return str(part.correct), str(part.rows)
