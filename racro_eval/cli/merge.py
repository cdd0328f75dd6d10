"""`racro-eval merge`: merge the files that the shards of a run have written."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from racro_eval.cli.arguments import add_results_argument

HELP = "merge the files of a run's shards (--shard) into those of one run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: where the shards are."""
    add_results_argument(parser)


def execute(args: argparse.Namespace) -> int:
    """Merge what is complete. Returns 1 if rows failed, 2 or 3 if a file could not be merged."""
    from racro_eval.cli.output import printable
    from racro_eval.common.name_list import abbreviated
    from racro_eval.errors import RacroError
    from racro_eval.store.merging import merge

    def report(text: str) -> None:
        print(printable(text), file=sys.stderr, flush=True)

    code = 0
    for outcome in merge(getattr(args, "results", Path("results")), on_wait=report):
        if isinstance(outcome, RacroError):
            report(f"racro-eval: {outcome}")
            code = max(code, outcome.exit_code)
            continue
        print(printable(f"{outcome.path}: {outcome.rows} rows of {outcome.shards} shards"))
        if outcome.failed:
            report(f"{len(outcome.failed)} of them failed: {abbreviated(outcome.failed)}")
            code = max(code, 1)
    return code
