"""`racro-eval data`: download benchmarks in advance, or verify those that are present."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from racro_eval.cli.arguments import add_data_arguments, go_offline
from racro_eval.cli.output import printable

if TYPE_CHECKING:
    from racro_eval.data import Benchmark, Sample
    from racro_eval.data.verify import VerifyResult

HELP = "fetch benchmarks, or verify their hashes, rows and images"

_SHOWN = 5
"""How many lines of a kind are printed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: what to do, and with which benchmarks."""
    parser.add_argument(
        "what", choices=["fetch", "verify"], help="fetch to the cache, or read and check all"
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help="benchmarks, by name or YAML file")
    add_data_arguments(parser)


def execute(args: argparse.Namespace) -> int:
    """Fetch or verify every benchmark. Returns the highest exit code."""
    offline = go_offline(args)
    root: Path | None = getattr(args, "data_root", None)
    if args.what == "fetch":
        return max(_fetch(name, root, offline) for name in args.names)
    return max(_verify(name, root) for name in args.names)


def _fetch(name: str, root: Path | None, offline: bool) -> int:
    from racro_eval.data.sources import locate
    from racro_eval.data.spec import load_spec
    from racro_eval.errors import RacroError

    try:
        located = locate(load_spec(name), root, offline=offline)
    except RacroError as error:
        print(f"{printable(name)}: {printable(str(error))}", file=sys.stderr)
        return error.exit_code
    print(f"{printable(name)}: {printable(located.description)}")
    return 0


def _verify(name: str, root: Path | None) -> int:
    from racro_eval.data.verify import verify

    check = verify(name, root, _with_progress)
    for line in _report(check):
        print(printable(line))
    return check.exit_code


def _with_progress(benchmark: Benchmark) -> Iterator[Sample]:
    from tqdm import tqdm

    title = printable(benchmark.name)
    yield from tqdm(benchmark, desc=title, unit=" rows", leave=False, disable=None)


def _report(check: VerifyResult) -> Iterator[str]:
    if check.error:
        yield f"{check.name}: {check.error}"
        return
    state = "in order" if check.exit_code == 0 else "not in order"
    yield f"{check.name}: {state} ({check.origin})"
    short = "" if check.rows == check.expected else f", {check.expected} expected"
    yield f"  {check.rows} rows{short}, {check.images} images"
    for problem, images in (("missing", check.missing), ("cannot be decoded", check.broken)):
        if images:
            yield f"  {len(images)} images {problem}:"
            yield from _first_lines(images)
    if check.duplicates:
        yield f"  {len(check.duplicates)} groups of rows are the same to a model:"
        yield from _first_lines([", ".join(indices) for indices in check.duplicates])


def _first_lines(lines: list[str]) -> Iterator[str]:
    yield from (f"    {line}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"    and {len(lines) - _SHOWN} more"
