"""`racro-eval doctor`: what is available, what is missing, and what to do about it."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from racro_eval.cli.arguments import add_data_arguments, add_results_argument

HELP = "check packages, GPUs, benchmark files, the grader and the results folder"

_OPTIONAL = {
    "torch": "cpu",
    "transformers": "cpu",
    "vllm": "vllm",
    "ray": "ray",
    "httpx2": "openai",
}
"""Package → the extra that installs it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: where to look."""
    add_data_arguments(parser)
    add_results_argument(parser)


def execute(args: argparse.Namespace) -> int:
    """Print the findings. Returns 3 if something that every run needs does not work."""
    from rich.table import Table
    from rich.text import Text

    from racro_eval.cli.output import console, printable

    table = Table(box=None, pad_edge=False, show_header=False)
    healthy = True
    for state, what, finding in _findings(args):
        style = {"ok": "green", "missing": "yellow", "broken": "red"}[state]
        table.add_row(Text(state, style=style), what, Text(printable(finding)))
        healthy = healthy and state != "broken"
    console().print(table)
    return 0 if healthy else 3


def _findings(args: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    from importlib import metadata

    yield "ok", "racro-eval", metadata.version("racro-eval")
    yield "ok", "Python", sys.version.split()[0]
    yield from _packages()
    yield _gpus()
    yield _grader()
    yield from _benchmarks(getattr(args, "data_root", None))
    yield from _plugins()
    yield _results(getattr(args, "results", Path("results")))


def _packages() -> Iterator[tuple[str, str, str]]:
    from importlib import metadata

    for name, extra in _OPTIONAL.items():
        try:
            yield "ok", name, metadata.version(name)
        except metadata.PackageNotFoundError:
            yield "missing", name, f"pip install 'racro-eval[{extra}]'"


def _gpus() -> tuple[str, str, str]:
    if not shutil.which("nvidia-smi"):
        return "missing", "GPU", "no nvidia-smi; models run on the CPU"
    done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    names = [line.split("(")[0].strip() for line in done.stdout.splitlines()]
    if done.returncode or not names:
        return "missing", "GPU", done.stderr.strip() or "nvidia-smi lists no GPU"
    return "ok", "GPU", "; ".join(names)


def _grader() -> tuple[str, str, str]:
    from racro_eval.grading import is_equivalent

    right = is_equivalent(r"\frac{1}{\sqrt{2}}", r"\frac{\sqrt{2}}{2}")
    wrong = is_equivalent(r"\sqrt{3}", r"\sqrt{2}")
    if right and not wrong:
        return "ok", "grader", r"\frac{1}{\sqrt{2}} = \frac{\sqrt{2}}{2}"
    return (
        "broken",
        "grader",
        "it cannot compare expressions: check sympy and antlr4",
    )


def _benchmarks(data_root: Path | None) -> Iterator[tuple[str, str, str]]:
    from racro_eval.data.sources import locate
    from racro_eval.data.spec import BENCHMARKS, load_spec
    from racro_eval.errors import MissingError, RacroError

    missing = []
    for name in BENCHMARKS.built_in:
        try:
            yield "ok", name, locate(load_spec(name), data_root, offline=True).description
        except MissingError:
            missing.append(name)
        except RacroError as error:
            yield "broken", name, str(error)
    if missing:
        finding = f"{len(missing)} others will be downloaded when they are first used"
        yield "missing", "benchmarks", finding


def _plugins() -> Iterator[tuple[str, str, str]]:
    """What other packages add. One that cannot be used breaks no run that does not name it."""
    from racro_eval.data.spec import BENCHMARKS
    from racro_eval.engines.registry import ENGINES
    from racro_eval.errors import RacroError
    from racro_eval.leaderboard.formats import FORMATS
    from racro_eval.leaderboard.views import VIEWS
    from racro_eval.prompting import PROMPTS
    from racro_eval.scoring.metrics.registry import METRICS
    from racro_eval.scoring.profiles import SCORERS

    for registry in (ENGINES, SCORERS, METRICS, PROMPTS, BENCHMARKS, VIEWS, FORMATS):
        for name in filter(registry.package, registry):
            try:
                registry[name]
            except RacroError as error:
                yield "missing", f"{registry.kind} {name}", str(error)
            else:
                yield "ok", f"{registry.kind} {name}", registry.package(name)


def _results(results: Path) -> tuple[str, str, str]:
    import os

    folder = results.absolute()
    while not folder.exists():
        folder = folder.parent
    if folder.is_dir() and os.access(folder, os.W_OK):
        return "ok", "results", str(results)
    return "broken", "results", f"{folder} cannot be written; choose another with --results"
