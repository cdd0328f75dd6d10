"""`racro-eval grade`: score an existing prediction file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from racro_eval.cli.arguments import (
    add_data_arguments,
    add_results_argument,
    add_scoring_arguments,
    go_offline,
)
from racro_eval.cli.output import printable

if TYPE_CHECKING:
    from racro_eval.data import Benchmark
    from racro_eval.scoring.profiles import Profile

HELP = "grade a CSV of predictions (columns index, prediction)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: what to grade, and how."""
    parser.add_argument("--data", required=True, metavar="NAME", help="benchmark")
    parser.add_argument("--predictions", required=True, type=Path, metavar="CSV", help="the file")
    parser.add_argument(
        "--out", type=Path, metavar="CSV", help="file for the verdicts (default: none)"
    )
    parser.add_argument(
        "--explain",
        nargs="+",
        metavar="INDEX",
        help="only show how these rows were graded",
    )
    parser.add_argument(
        "--against",
        choices=("math-verify",),
        metavar="GRADER",
        help="list the rows that math-verify grades differently (extra math-verify)",
    )
    add_scoring_arguments(parser)
    add_data_arguments(parser)
    add_results_argument(parser)


def execute(args: argparse.Namespace) -> int:
    """Grade, print the score and its breakdowns, write the verdicts if requested."""
    from tqdm import tqdm

    from racro_eval.cli.scores import print_score
    from racro_eval.data import load_benchmark
    from racro_eval.scoring.metrics.registry import score
    from racro_eval.scoring.profiles import DEFAULT_PROFILE
    from racro_eval.stages.grade import grade_rows, write_graded
    from racro_eval.stages.own_texts import read_predictions

    offline = go_offline(args)
    predictions = read_predictions(args.predictions)
    benchmark = load_benchmark(
        args.data, data_root=getattr(args, "data_root", None), offline=offline
    )
    _check_indices(args, predictions, benchmark)
    profile: Profile = getattr(args, "scoring", DEFAULT_PROFILE)
    if args.explain:
        return _explain(args.explain, predictions, benchmark, profile)
    if args.against:
        return _compare(args.against, predictions, benchmark)
    rows = ({"index": index, "prediction": text} for index, text in predictions.items())
    progress = tqdm(rows, total=len(predictions), desc="grading", unit="row", disable=None)
    verdicts = list(grade_rows(progress, benchmark, profile))
    name: str = profile
    if "judge" in args:
        verdicts, name = _ask_judge(args, verdicts, benchmark, profile)
    if args.out:
        write_graded(verdicts, args.out, benchmark)
    print_score(benchmark.name, name, score(verdicts, benchmark.spec))
    return 0


def _ask_judge(
    args: argparse.Namespace,
    verdicts: list[dict[str, str]],
    benchmark: Benchmark,
    profile: Profile,
) -> tuple[list[dict[str, str]], str]:
    """The verdicts together with those of the judge, and the name of their profile."""
    from racro_eval.engines.model_entry import folder_name
    from racro_eval.pipeline.config import DEFAULT_RESULTS, RunConfig
    from racro_eval.pipeline.display import Display
    from racro_eval.pipeline.group_runner import run_group
    from racro_eval.pipeline.locating import locate_model
    from racro_eval.stages.graded_file import judged
    from racro_eval.stages.judge import JudgeJob, judge_file

    config = RunConfig(
        data=(args.data,),
        offline=getattr(args, "offline", False),
        results=getattr(args, "results", DEFAULT_RESULTS),
    )
    model = locate_model(args.judge, config)
    folder = config.results / folder_name(benchmark.name)
    file = judge_file(folder, folder_name(args.predictions.stem), model, benchmark)
    job = JudgeJob(model, benchmark, lambda: verdicts, file)
    display = Display()
    with display.warnings():
        run_group([job], display)
    with job.replies() as replies:
        return list(job.judged_rows(replies)), judged(profile, model.entry.folder)


def _check_indices(
    args: argparse.Namespace, predictions: dict[str, str], benchmark: Benchmark
) -> None:
    import sys

    from racro_eval.errors import DataError

    unknown = [index for index in predictions if index not in benchmark.places]
    if unknown and len(unknown) == len(predictions):
        raise DataError(
            f"{benchmark.name} has none of the indices of {args.predictions}. The first one there "
            f"is {unknown[0]!r}; the first one of the benchmark is {benchmark.indices[0]!r}."
        )
    if unknown:
        message = (
            f"{len(unknown)} rows of {args.predictions} are not in {benchmark.name} and were "
            f"ignored; the first one is {unknown[0]!r}."
        )
        print(printable(message), file=sys.stderr)


def _explain(
    indices: list[str], predictions: dict[str, str], benchmark: Benchmark, profile: Profile
) -> int:
    from racro_eval.cli.output import console
    from racro_eval.errors import UnknownNameError
    from racro_eval.stages.grade import grade_row

    out = console()
    for index in indices:
        if index not in predictions or index not in benchmark.places:
            raise UnknownNameError("index", index, predictions.keys() & benchmark.places.keys())
        sample = benchmark[index]
        verdict = grade_row({"prediction": predictions[index]}, sample, profile)
        extraction, _, comparison = verdict.method.partition("/")
        lines = {
            f"{benchmark.name} {index}": verdict.status.value,
            "gold answer": sample.answer,
            "extracted": verdict.extracted or "nothing",
            "by the rule": extraction or "none fits",
            "compared": " with ".join(verdict.normal_forms) if comparison else "nothing",
            "decided by": comparison or "no stated answer",
        }
        width = max(map(len, lines))
        for name, value in lines.items():
            line = printable(f"{name:<{width}}  {value}")
            out.print(line, markup=False, emoji=False, soft_wrap=True)
    return 0


def _compare(grader: str, predictions: dict[str, str], benchmark: Benchmark) -> int:
    from rich.table import Table
    from rich.text import Text

    from racro_eval.cli.output import console
    from racro_eval.stages.audit import disagreements, second_opinion

    rows = ({"index": index, "prediction": text} for index, text in predictions.items())
    differences = list(disagreements(rows, benchmark, second_opinion(grader)))
    table = Table(box=None, pad_edge=False)
    for column in ("index", "gold", "extracted", "racro-eval", grader, "decided by"):
        table.add_column(column, overflow="fold")
    for row in differences:
        verdict = row.verdict
        other = "correct" if row.other else "incorrect"
        cells = (row.index, row.answer, verdict.extracted, verdict.status.value, other)
        table.add_row(*(Text(printable(cell)) for cell in (*cells, verdict.method)))
    if differences:
        console().print(table)
    console().print(f"{len(differences)} of {len(predictions)} rows are graded differently.")
    return 0
