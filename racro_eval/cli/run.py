"""`racro-eval run`: the whole pipeline, or what is left of it."""

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

HELP = "run benchmarks: captions, tentative answers, reasoning, grading, leaderboard"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a run. Absent ones stay absent, so that a sweep file can give them."""

    def add(flag: str, **settings: Any) -> None:
        parser.add_argument(flag, default=argparse.SUPPRESS, **settings)

    add("--config", type=Path, metavar="FILE", help="sweep file (YAML); the command line wins")
    add("--data", nargs="+", metavar="NAME", help="benchmarks, by name or YAML file")
    add("--mllm", nargs="+", metavar="MODEL", help="captioners (default: RACRO-7B-CRO-GRPO)")
    add("--reasoner", nargs="+", metavar="MODEL", help="text-only reasoners")
    add("--answerer", metavar="MODEL", help="takes the tentative answers instead of the MLLM")
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
    add("--shard", metavar="I/N", help="every N-th of the rows, from the I-th on; see `merge`")
    add("--samples", type=int, metavar="N", help="answers per row and reasoner (default: 1)")
    add("--seed", type=int, help="base of every row's seed (default: 0)")
    add(
        "--engine",
        metavar="NAME",
        help="engine for models that name none (default: vllm with a GPU, else transformers)",
    )
    add("--tp", metavar="N|auto", help="tensor parallel size; auto: the fewest GPUs that do")
    add("--dp", type=int, metavar="N", help="data parallel size")
    add(
        "--load-timeout",
        type=float,
        metavar="SECONDS",
        help="give up a model that has not loaded by then (default: no limit)",
    )
    add("--max-failures", type=int, metavar="N", help="failed rows that still exit 0 (default: 0)")
    add("--dry-run", action="store_true", help="show what would run and what is cached")
    add_scoring_arguments(parser)
    add_data_arguments(parser)
    add_results_argument(parser)


def execute(args: argparse.Namespace) -> int:
    """Run, print the leaderboard of this run's cells, give the exit code."""
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
    return max(code, _show(report)) if report.graded else code


def read_config(args: argparse.Namespace) -> RunConfig:
    """The sweep file's settings with the command line's over them. Raises ConfigError."""
    from racro_eval.errors import UsageError
    from racro_eval.pipeline.config import RunConfig
    from racro_eval.settings import parse_settings, read_mapping

    given = {name: value for name, value in vars(args).items() if name in RunConfig.model_fields}
    where = "The command line"
    settings: dict[str, Any] = {}
    if "config" in args:
        settings = read_mapping(args.config)
        where = str(args.config)
    settings.update(given)
    if not settings.get("data"):
        raise UsageError(
            "No benchmark was given. Name one or more with --data (`racro-eval list benchmarks`)."
        )
    return parse_settings(RunConfig, settings, where)


def _show(report: RunReport) -> int:
    """Print the table. One that cannot be shown takes nothing from the run but its exit code 0."""
    from racro_eval.cli.output import OutputError, printable
    from racro_eval.common.system_errors import to_racro_error

    try:
        _print_table(report)
        sys.stdout.flush()
    except Exception as error:
        if isinstance(error, OutputError) and error.nobody_reads:
            return 0
        problem = to_racro_error(error)
        print(f"racro-eval: {printable(str(problem))}", file=sys.stderr)
        return problem.exit_code
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
    for line in preview(plan):
        if isinstance(line, Failure):
            failures.append(line)
            continue
        cells = (
            line.stage,
            line.model,
            line.benchmark,
            str(line.path),
            str(line.rows),
            str(line.cached),
            str(line.rows - line.cached),
            f"{line.prompt_tokens:,}" if line.prompt_tokens is not None else "after its captions",
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console().print(table)
    for failure in failures:
        print(f"racro-eval: {printable(str(failure))}", file=sys.stderr)
    return max((failure.error.exit_code for failure in failures), default=0)
