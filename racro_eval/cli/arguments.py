"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from racro_eval.scoring.profiles import PROFILES


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Where benchmark files are."""
    parser.add_argument(
        "--data-root",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder with local copies of benchmarks (default: the variable RACRO_DATA)",
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        default=argparse.SUPPRESS,
        help="take nothing from the network",
    )


def add_question_style_argument(parser: argparse.ArgumentParser) -> None:
    """Whose question text."""
    parser.add_argument(
        "--question-style",
        choices=["racro", "native"],
        default=argparse.SUPPRESS,
        help="question text of the paper's evaluation code (racro, default) or the benchmark's own",
    )


def add_results_argument(parser: argparse.ArgumentParser) -> None:
    """Where results are."""
    parser.add_argument(
        "--results",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="results folder (default: results)",
    )


def add_scoring_arguments(parser: argparse.ArgumentParser) -> None:
    """By whose rules answers are graded."""
    parser.add_argument(
        "--scoring",
        default=argparse.SUPPRESS,
        choices=PROFILES,
        help="whose rules grade: each benchmark's own (official, the default), or those of the "
        "paper's released code without its judge (vlmevalkit)",
    )
    parser.add_argument(
        "--judge",
        default=argparse.SUPPRESS,
        metavar="MODEL",
        help="a model that decides rows in which the rules find no answer; a score of its own",
    )


def go_offline(args: argparse.Namespace) -> bool:
    """Whether --offline was given; if so, tell the hub libraries."""
    from racro_eval.common import offline

    if not getattr(args, "offline", False):
        return False
    offline.go_offline()
    return True
