"""`racro-eval data`: fetch benchmarks before they are needed, and verify what is there."""

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
"""So many sentences or groups of a kind are printed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with which benchmarks."""
    parser.add_argument(
        "what", choices=["fetch", "verify"], help="fetch to the cache, or read and check all"
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help="benchmarks, by name or YAML file")
    add_data_arguments(parser)


def execute(args: argparse.Namespace) -> int:
    """Do it for every name; the exit code is the worst of all."""
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
    for what, found in (("missing", check.missing), ("cannot be decoded", check.broken)):
        if found:
            yield f"  {len(found)} images {what}:"
            yield from _some(found)
    if check.duplicates:
        yield f"  {len(check.duplicates)} groups of rows are the same to a model:"
        yield from _some([", ".join(indices) for indices in check.duplicates])


def _some(lines: list[str]) -> Iterator[str]:
    yield from (f"    {line}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"    and {len(lines) - _SHOWN} more"
