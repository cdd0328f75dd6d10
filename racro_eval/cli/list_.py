"""`racro-eval list`: benchmarks, models, prompt sets, runs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from racro_eval.cli.arguments import add_results_argument

HELP = "list benchmarks, models, prompt sets or the runs under the results folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to list."""
    parser.add_argument("what", choices=list(_LISTS), help="what to list")
    add_results_argument(parser)


def execute(args: argparse.Namespace) -> int:
    """Print one table."""
    from rich.table import Table
    from rich.text import Text

    from racro_eval.cli.output import console, printable

    header, rows = _LISTS[args.what](getattr(args, "results", Path("results")))
    table = Table(box=None, pad_edge=False)
    for name in header:
        table.add_column(name)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console().print(table)
    return 0


_Listing = tuple[Sequence[str], Iterator[Sequence[str]]]


def _benchmarks(_: Path) -> _Listing:
    from racro_eval.data.spec import benchmark_names, load_spec

    specs = (load_spec(name) for name in benchmark_names())
    return ("name", "rows", "metric", "licence", "title"), (
        (spec.name, str(spec.rows), spec.metric, spec.licence, spec.title) for spec in specs
    )


def _models(_: Path) -> _Listing:
    from racro_eval.models.resolve import builtin_models

    return ("name", "billion parameters", "model"), (
        (entry.name, f"{entry.parameters or ''}", entry.model)
        for entry in builtin_models().values()
    )


def _prompts(_: Path) -> _Listing:
    from racro_eval.prompting import load_prompts, prompt_set_names

    return ("name", "description"), (
        (name, load_prompts(name).description) for name in prompt_set_names()
    )


def _runs(results: Path) -> _Listing:
    from racro_eval.stages.graded_file import SUFFIX
    from racro_eval.store.sidecar import read_sidecar

    def rows() -> Iterator[Sequence[str]]:
        for path in sorted(results.rglob("*.csv")):
            if path.name.endswith(SUFFIX):
                continue
            content = read_sidecar(path)
            if not content:
                continue
            labels = content["labels"]
            runs = content.get("runs", [])
            last = runs[-1].get("finished_at", "interrupted") if runs else ""
            yield (
                labels["benchmark"],
                labels["mllm"] or "-",
                labels["reasoner"] or "-",
                labels["variant"],
                content["key"],
                str(content.get("rows", "")),
                "being written" if "process" in content else last,
                str(path),
            )

    return ("benchmark", "mllm", "reasoner", "variant", "key", "rows", "finished", "file"), rows()


_LISTS = {"benchmarks": _benchmarks, "models": _models, "prompts": _prompts, "runs": _runs}
