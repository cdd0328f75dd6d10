"""`racro-eval leaderboard`: everything under the results folder as one table."""

from __future__ import annotations

import argparse
from pathlib import Path

from racro_eval.cli.arguments import add_results_argument

HELP = "print all results as a table"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which results, in which form."""
    add_results_argument(parser)
    forms = ["rich", "md", "csv", "svg"]
    parser.add_argument("--format", choices=forms, default="rich", help="form (default: rich)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write to a file instead")


def execute(args: argparse.Namespace) -> int:
    """Print or write the table."""
    from racro_eval.atomic import write_atomically
    from racro_eval.cli.output import console
    from racro_eval.errors import ConfigError
    from racro_eval.leaderboard.collect import collect, find_graded
    from racro_eval.leaderboard.formats import NOTE, TEXT_FORMATS, rich_table
    from racro_eval.leaderboard.table import build_table

    results = getattr(args, "results", Path("results"))
    table = build_table(collect(find_graded(results)))
    if args.format == "rich":
        if args.out:
            raise ConfigError("--out needs --format md, csv or svg; rich is for the terminal.")
        out = console()
        out.print(rich_table(table))
        out.print(NOTE)
        return 0
    text = TEXT_FORMATS[args.format](table)
    if args.out:
        write_atomically(args.out, [text.encode()])
    else:
        print(text, end="")
    return 0
