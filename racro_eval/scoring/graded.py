"""Graded files: the verdicts of one stage's file, and what says whether they are up to date."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from racro_eval.data.spec import BenchmarkSpec
from racro_eval.errors import CacheError
from racro_eval.scoring import Score, score
from racro_eval.settings import parse_settings
from racro_eval.sidecar import read_sidecar

GRADED_COLUMNS = (
    "index",
    "sample",
    "prediction",
    "extracted",
    "method",
    "answer",
    "status",
    "correct",
)
SUFFIX = ".graded.csv"


def graded_path(path: Path) -> Path:
    """tentative-1a2b3c4d.csv → tentative-1a2b3c4d.graded.csv"""
    return path.with_name(path.stem + SUFFIX)


def graded_columns(spec: BenchmarkSpec) -> tuple[str, ...]:
    """The columns of a benchmark's graded files."""
    return (*GRADED_COLUMNS, *spec.breakdowns)


def read_graded(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a graded file, one at a time. Raises CacheError on an unreadable one."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = set(GRADED_COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise CacheError(
                    f"{path} has no column {min(missing)!r}. Remove it; the next run grades again."
                )
            for row in reader:
                if None in row or None in row.values():
                    raise CacheError(
                        f"{path}, line {reader.line_num}: the number of fields is wrong. "
                        "Remove it; the next run grades again."
                    )
                yield row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CacheError(
            f"{path} cannot be read: {error}. Remove it; the next run grades again."
        ) from error


def score_file(path: Path) -> tuple[Score, BenchmarkSpec]:
    """The score of a graded file, by the benchmark's spec that its sidecar keeps."""
    content = read_sidecar(path).get("spec")
    if not isinstance(content, dict):
        raise CacheError(f"{path} has no sidecar; run the grading again.")
    spec = parse_settings(BenchmarkSpec, content, str(path))
    return score(read_graded(path), spec), spec
