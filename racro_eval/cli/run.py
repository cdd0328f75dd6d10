"""`racro-eval run`: the whole pipeline, or the part that is not done yet."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from racro_eval.cli.arguments import (
    add_data_arguments,
    add_question_style_argument,
    add_results_argument,
    add_scoring_arguments,
    go_offline,
)

if TYPE_CHECKING:
    from racro_eval.pipeline.config import RunConfig
    from racro_eval.pipeline.report import RunReport

_NOT_YET_KNOWN = "after its captions"
HELP = "run benchmarks: captions, tentative answers, reasoning, grading, leaderboard"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run. They have no defaults, so that a sweep file can set them."""

    def add(flag: str, **settings: Any) -> None:
        parser.add_argument(flag, default=argparse.SUPPRESS, **settings)

    add("--config", type=Path, metavar="FILE", help="sweep file (YAML); the command line wins")
    add("--data", nargs="+", metavar="NAME", help="benchmarks, by name or YAML file")
    add("--mllm", nargs="+", metavar="MODEL", help="captioners (default: RACRO-7B-CRO-GRPO)")
    add("--reasoner", nargs="+", metavar="MODEL", help="text-only reasoners")
    add("--answerer", metavar="MODEL", help="writes the tentative answers instead of the MLLM")
    add(
        "--variant",
        nargs="+",
        metavar="NAME",
        help="what the reasoner gets: qa, none, cap, qcap, sol, cap+sol, qcap+sol (default)",
    )
    add("--prompts", metavar="SET", help="prompt set, by name or YAML file (default: racro)")
    add_question_style_argument(parser)
    add("--caption-file", type=Path, metavar="CSV", help="captions to use (index, prediction)")
    add("--tentative-file", type=Path, metavar="CSV", help="tentative answers to use, likewise")
    add("--limit", type=int, metavar="N", help="the first N rows only")
    add("--index", nargs="+", metavar="I", help="these rows only, by index")
    add("--shard", metavar="I/N", help="every N-th row, starting with the I-th; see `merge`")
    add("--samples", type=int, metavar="N", help="answers per row and reasoner (default: 1)")
    add("--seed", type=int, help="base of all rows' seeds (default: 0)")
    add(
        "--engine",
        metavar="NAME",
        help="engine for models that name none (default: vllm with a GPU, else transformers)",
    )
    add("--tp", metavar="N|auto", help="tensor parallel size; auto: the fewest GPUs that suffice")
    add("--dp", type=int, metavar="N", help="data parallel size")
    add(
        "--load-timeout",
        type=float,
        metavar="SECONDS",
        help="time limit for loading a model (default: none)",
    )
    add(
        "--max-failures",
        type=int,
        metavar="N",
        help="failed rows that still exit with 0 (default: 0)",
    )
    add("--dry-run", action="store_true", help="show what would run and what is cached")
    add_scoring_arguments(parser)
    add_data_arguments(parser)
    add_results_argument(parser)


def execute(args: argparse.Namespace) -> int:
    """Run, print the leaderboard of this run's cells, return the exit code."""
    go_offline(args)
    config = read_config(args)
    if config.dry_run:
        return _preview(config)

    from racro_eval.errors import InternalError
    from racro_eval.pipeline.execution import run

    report = run(config)
    if args.debug and (bugs := [e for e in report.errors if isinstance(e, InternalError)]):
        raise bugs[0]
    code = report.exit_code(config.max_failures)
    return max(code, _show_table(report)) if report.graded else code


def read_config(args: argparse.Namespace) -> RunConfig:
    """The settings of the sweep file, overridden by the command line. Raises ConfigError."""
    from racro_eval.errors import UsageError
    from racro_eval.pipeline.config import RunConfig
    from racro_eval.settings import parse_settings, read_mapping

    options = {name: value for name, value in vars(args).items() if name in RunConfig.model_fields}
    origin = "The command line"
    settings: dict[str, Any] = {}
    if "config" in args:
        settings = read_mapping(args.config)
        origin = str(args.config)
    settings.update(options)
    if not settings.get("data"):
        raise UsageError(
            "No benchmark was given. Name one or more with --data (`racro-eval list benchmarks`)."
        )
    return parse_settings(RunConfig, settings, origin)


def _show_table(report: RunReport) -> int:
    """Print the table and return the exit code. The run itself is done, even if printing fails."""
    from racro_eval.cli.output import OutputError, printable
    from racro_eval.common.system_errors import to_racro_error

    try:
        _print_table(report)
        sys.stdout.flush()
    except Exception as error:
        if isinstance(error, OutputError) and error.is_broken_pipe:
            return 0
        converted = to_racro_error(error)
        print(f"racro-eval: {printable(str(converted))}", file=sys.stderr)
        return converted.exit_code
    return 0


def _print_table(report: RunReport) -> None:
    from racro_eval.cli.output import console, printable
    from racro_eval.leaderboard.collect import collect
    from racro_eval.leaderboard.formats.terminal import renderables
    from racro_eval.leaderboard.table import build_table
    from racro_eval.leaderboard.views.board import board

    cells = collect(report.graded)
    columns = list(dict.fromkeys(cell.benchmark for cell in cells))
    out = console()
    for part in renderables(board(build_table(cells, columns)), out.width):
        out.print(part)
    for note in report.notes():
        out.print(printable(note), markup=False, soft_wrap=True)


def _preview(config: RunConfig) -> int:
    from rich.table import Table
    from rich.text import Text

    from racro_eval.cli.output import console, printable
    from racro_eval.pipeline.planning import make_plan
    from racro_eval.pipeline.preview import preview
    from racro_eval.pipeline.report import Failure

    plan = make_plan(config)

    table = Table(box=None, pad_edge=False)
    for name in ("stage", "model", "benchmark", "file", "rows", "cached", "to do"):
        table.add_column(name, justify="right" if name in ("rows", "cached", "to do") else "left")
    table.add_column("prompt tokens, about", justify="right")
    failures = list(plan.failures)
    for item in preview(plan):
        if isinstance(item, Failure):
            failures.append(item)
            continue
        tokens = f"{item.prompt_tokens:,}" if item.prompt_tokens is not None else _NOT_YET_KNOWN
        cells = (
            item.stage,
            item.model,
            item.benchmark,
            str(item.path),
            str(item.rows),
            str(item.cached),
            str(item.rows - item.cached),
            tokens,
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console().print(table)
    for failure in failures:
        print(f"racro-eval: {printable(str(failure))}", file=sys.stderr)
    return max((failure.error.exit_code for failure in failures), default=0)
