"""`racro-eval grade`: score an existing prediction file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from racro_eval.cli.arguments import add_data_arguments, go_offline

if TYPE_CHECKING:
    from racro_eval.scoring import Score

HELP = "grade a CSV of predictions (columns index, prediction)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to grade."""
    parser.add_argument("--data", required=True, metavar="NAME", help="benchmark")
    parser.add_argument("--predictions", required=True, type=Path, metavar="CSV", help="the file")
    parser.add_argument(
        "--out", type=Path, metavar="CSV", help="where the verdicts go (default: nowhere)"
    )
    add_data_arguments(parser)


def execute(args: argparse.Namespace) -> int:
    """Grade, print the score and its breakdowns, write the verdicts if asked to."""
    import sys

    from tqdm import tqdm

    from racro_eval.data import load_benchmark
    from racro_eval.errors import DataError
    from racro_eval.scoring import score
    from racro_eval.stages.grade import grade_rows, write_graded
    from racro_eval.stages.reason import read_predictions

    offline = go_offline(args)
    predictions = read_predictions(args.predictions)
    benchmark = load_benchmark(
        args.data, data_root=getattr(args, "data_root", None), offline=offline
    )
    strangers = [index for index in predictions if index not in benchmark.by_index]
    if strangers and len(strangers) == len(predictions):
        raise DataError(
            f"No index of {args.predictions} is one of {benchmark.name}'s: "
            f"{strangers[0]!r}, say, is not; {benchmark.indices[0]!r} is."
        )
    if strangers:
        print(
            f"{len(strangers)} rows of {args.predictions} are not in {benchmark.name} and were "
            f"left out, {strangers[0]!r} among them.",
            file=sys.stderr,
        )
    rows = ({"index": index, "prediction": text} for index, text in predictions.items())
    shown = tqdm(rows, total=len(predictions), desc="grading", unit="row", disable=None)
    verdicts = list(grade_rows(shown, benchmark))
    if args.out:
        write_graded(verdicts, args.out, benchmark)
    _print(benchmark.name, score(verdicts, benchmark.spec))
    return 0


def _print(name: str, result: Score) -> None:
    from rich.table import Table
    from rich.text import Text

    from racro_eval.cli.output import console, printable

    def percent(value: float | None) -> str:
        return "-" if value is None else f"{value:.1f}"

    out = console()
    table = Table(box=None, pad_edge=False)
    for column in ("", "value", "score", "correct", "rows"):
        table.add_column(column, justify="left" if column in ("", "value") else "right")
    whole = result.whole
    table.add_row(
        Text(name, style="bold"), "", percent(result.value), str(whole.correct), str(whole.rows)
    )
    for breakdown, parts in result.breakdowns.items():
        for value, part in sorted(parts.items()):
            cells = (breakdown, Text(printable(value)), percent(part.percent))
            table.add_row(*cells, str(part.correct), str(part.rows))
    out.print(table)
    statuses = ", ".join(f"{status} {count}" for status, count in result.statuses.most_common())
    out.print(f"Rows by status: {statuses}.")
    if result.partial:
        out.print(
            f"Partial: {result.samples} of {result.expected} samples. Not comparable with a "
            "complete run."
        )
