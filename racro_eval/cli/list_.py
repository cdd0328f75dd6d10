"""`racro-eval list`: what there is by name, and the runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from racro_eval.cli.arguments import add_results_argument
from racro_eval.errors import RacroError

if TYPE_CHECKING:
    from racro_eval.common.registry import Registry

HELP = "list benchmarks, models, prompt sets, engines, ..., or the runs under the results folder"


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
    from racro_eval.data.spec import BENCHMARKS, load_spec

    def about(name: str) -> Sequence[str]:
        spec = load_spec(name)
        return str(spec.rows), spec.metric, spec.licence, spec.title

    return _listing(BENCHMARKS, ("rows", "metric", "licence", "title"), about)


def _models(_: Path) -> _Listing:
    from racro_eval.models.resolve import builtin_models

    return ("name", "billion parameters", "model"), (
        (entry.name, f"{entry.parameters or ''}", entry.model)
        for entry in builtin_models().values()
    )


def _prompts(_: Path) -> _Listing:
    from racro_eval.prompting import PROMPTS, load_prompts

    return _listing(PROMPTS, ("description",), lambda name: [load_prompts(name).description])


def _engines(_: Path) -> _Listing:
    from racro_eval.engines.registry import ENGINES

    def about(name: str) -> Sequence[str]:
        spec = ENGINES[name]
        return spec.weights, spec.install, ENGINES.package(name)

    return _listing(ENGINES, ("weights", "install", "package"), about)


def _scorers(_: Path) -> _Listing:
    from racro_eval.scoring.profiles import SCORERS

    return _functions(SCORERS, lambda name: SCORERS[name])


def _metrics(_: Path) -> _Listing:
    from racro_eval.scoring.metrics.registry import METRICS

    return _functions(METRICS, lambda name: METRICS[name].function)


def _views(_: Path) -> _Listing:
    from racro_eval.leaderboard.views import VIEWS

    return _functions(VIEWS, lambda name: VIEWS[name])


def _formats(_: Path) -> _Listing:
    from racro_eval.leaderboard.formats import FORMATS

    def about(name: str) -> Sequence[str]:
        return FORMATS[name].about, FORMATS.package(name)

    return _listing(FORMATS, ("about", "package"), about)


def _functions(registry: Registry[Any], function: Callable[[str], Any]) -> _Listing:
    """Names that stand for functions: what the module of each says of itself, and who adds it."""

    def about(name: str) -> Sequence[str]:
        return _first_line(function(name)), registry.package(name)

    return _listing(registry, ("about", "package"), about)


def _first_line(function: object) -> str:
    import inspect

    return (inspect.getdoc(inspect.getmodule(function)) or "").partition("\n")[0]


def _listing(
    registry: Registry[Any], columns: Sequence[str], about: Callable[[str], Sequence[str]]
) -> _Listing:
    """A row for each name, with what `about` says of it; of one that cannot be used, why."""

    def rows() -> Iterator[Sequence[str]]:
        for name in registry:
            try:
                yield name, *about(name)
            except RacroError as error:
                yield name, *("" for _ in columns[1:]), str(error)

    return ("name", *columns), rows()


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


_LISTS = {
    "benchmarks": _benchmarks,
    "models": _models,
    "prompts": _prompts,
    "runs": _runs,
    "engines": _engines,
    "scorers": _scorers,
    "metrics": _metrics,
    "views": _views,
    "formats": _formats,
}
