"""`racro-eval leaderboard`: everything under the results folder as one table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from racro_eval.cli.arguments import add_results_argument
from racro_eval.cli.output import printable

if TYPE_CHECKING:
    from racro_eval.leaderboard.document import Document
    from racro_eval.leaderboard.table import Table

HELP = "print all results as a table"
BOARD = "board"
"""The view that is shown if none is asked for."""
FORMAT_HELP = (
    "rich (default), md, csv, wide, tex, html, json, svg, figures, or another of "
    "`racro-eval list formats`; may be repeated"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which results, which view of them, in which form."""
    add_results_argument(parser)
    parser.add_argument(
        "--data-root",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="local copies of benchmarks, for answers without verdicts (default: RACRO_DATA)",
    )
    _add_views(parser)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the bootstrap (default: %(default)s)"
    )
    parser.add_argument(
        "--format", action="append", metavar="FORM", dest="formats", help=FORMAT_HELP
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write to a file; of several formats, to FILE with each one's own suffix",
    )


def _add_views(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--columns",
        nargs="+",
        metavar="NAME",
        help="these benchmarks, and AVG for their mean (default: the paper's seven and all others)",
    )
    parser.add_argument(
        "--with-published", action="store_true", help="set the paper's own rows beside yours"
    )
    views = parser.add_mutually_exclusive_group()
    views.add_argument(
        "--by", nargs="+", metavar="NAME", help="a table per benchmark and breakdown: subject, ..."
    )
    _add_view(views, "compare-published", "your scores minus the paper's")
    views.add_argument(
        "--paired",
        nargs="?",
        const="base",
        choices=("base", "all"),
        help="tests of pairs on the same samples: each row with its MLLM's own, or all pairs",
    )
    _add_view(views, "several", "mean@n, maj@n, pass@k of rows with several answers")
    _add_view(views, "diagnose", "perception or reasoning: where answers are lost")
    _add_view(views, "usage", "tokens and time of every row")
    views.add_argument(
        "--view",
        default=BOARD,
        metavar="NAME",
        help="a view of another package (`racro-eval list views`)",
    )


def _add_view(views: argparse._MutuallyExclusiveGroup, name: str, about: str) -> None:
    """An option for a view that needs nothing but the table."""
    views.add_argument(
        f"--{name}", action="store_const", dest="view", const=name, default=BOARD, help=about
    )


def execute(args: argparse.Namespace) -> int:
    """Print or write the table."""
    from racro_eval.leaderboard.collect import collect, find_graded
    from racro_eval.leaderboard.formats import FORMATS
    from racro_eval.leaderboard.published import published_rows
    from racro_eval.leaderboard.table import build_table

    names = args.formats or ["rich"]
    formats = [FORMATS[name] for name in names]
    view = _view(args)
    results = getattr(args, "results", Path("results"))
    _grade_ungraded(results, getattr(args, "data_root", None))
    published = published_rows() if args.with_published else ()
    cells = collect(find_graded(results))
    table = build_table(cells, args.columns, published, args.seed)
    document = view(table)
    if names == ["rich"] and not args.out:
        return _print(document)
    if len(formats) == 1 and not formats[0].binary and not args.out:
        (content,) = formats[0].render(document).values()
        print(content.decode(), end="")
        return 0
    out = args.out or results / document.name
    exact = len(formats) == 1
    for form in formats:
        _write(form.render(document), out, exact=exact)
    return 0


def _grade_ungraded(results: Path, data_root: Path | None) -> None:
    """Grade what has no verdicts yet, and say on standard error what that is."""
    from racro_eval.cli.output import printable
    from racro_eval.stages.ungraded import grade_ungraded

    def say(text: str) -> None:
        print(printable(text), file=sys.stderr)

    done = grade_ungraded(results, data_root, lambda path: say(f"Grading {path}"))
    for line in done.lines(results):
        say(line)


def _view(args: argparse.Namespace) -> Callable[[Table], Document]:
    """What makes the document; a wrong name is said before anything is graded or read."""
    if args.by:
        from racro_eval.leaderboard.views.breakdown import breakdown

        return partial(breakdown, names=args.by)
    if args.paired:
        from racro_eval.leaderboard.views.paired import paired

        return partial(paired, pairing=args.paired, seed=args.seed)
    from racro_eval.leaderboard.views import VIEWS

    return VIEWS[args.view]


def _print(document: Document) -> int:
    from racro_eval.cli.output import console
    from racro_eval.leaderboard.formats.terminal import renderables

    out = console()
    for part in renderables(document, out.width):
        out.print(part)
    return 0


def _write(files: dict[str, bytes], out: Path, *, exact: bool) -> None:
    """Write a format's files and tell their names; a lone file is called exactly as asked for."""
    from racro_eval.store.atomic import write_atomically

    for ending, content in files.items():
        path = out if exact and len(files) == 1 and out.suffix else _named(out, ending)
        write_atomically(path, [content])
        print(printable(str(path)))


def _named(out: Path, ending: str) -> Path:
    known = (".md", ".csv", ".tex", ".html", ".json", ".svg", ".png", ".txt")
    stem = out.with_suffix("") if out.suffix in known else out
    return stem.with_name(stem.name + ending)
