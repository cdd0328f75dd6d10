"""Graded files: the verdicts on the answers in one stage's file."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from racro_eval.common.regular_files import open_regular
from racro_eval.data.spec import BenchmarkSpec
from racro_eval.errors import CacheError
from racro_eval.scoring.metrics.registry import metric_of
from racro_eval.scoring.profiles import DEFAULT_PROFILE
from racro_eval.store.file_hash import cached_hash
from racro_eval.store.records import read_named_rows

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
_WITH_JUDGE = "+judge:"


def judged(profile: str, judge: str) -> str:
    """The profile in which a judge decided the rows left `unparsed`: official+judge:qwen3-8b."""
    return f"{profile}{_WITH_JUDGE}{judge}"


def profile_of(manifest: Mapping[str, Any]) -> str:
    """The profile of a graded file, from its sidecar: `official`, say, or one with a judge."""
    graded = manifest.get("graded")
    profile = graded.get("profile") if isinstance(graded, dict) else None
    return str(profile or DEFAULT_PROFILE)


def graded_path(path: Path, profile: str = DEFAULT_PROFILE) -> Path:
    """tentative-1a2b3c4d.csv → tentative-1a2b3c4d.graded.csv, for the default profile.

    Other profiles have files of their own: tentative-1a2b3c4d.vlmevalkit.graded.csv, and
    tentative-1a2b3c4d.judged-qwen3-8b.graded.csv with a judge.
    """
    base, _, judge = profile.partition(_WITH_JUDGE)
    name = path.stem
    if base != DEFAULT_PROFILE:
        name += f".{base}"
    if judge:
        name += f".judged-{judge}"
    return path.with_name(name + SUFFIX)


def graded_columns(spec: BenchmarkSpec) -> tuple[str, ...]:
    """The columns of a benchmark's graded files. Raises ConfigError if its metric is unknown."""
    return tuple(dict.fromkeys((*GRADED_COLUMNS, *spec.breakdowns, *metric_of(spec).needs)))


class GradedFile:
    """A graded file that stays open, so that its hash belongs to the rows that are read.

    A context manager. Raises CacheError if the file is unreadable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = open_regular(path)
        except OSError as error:
            raise self._unreadable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def sha256(self) -> str:
        """SHA-256 of the file, in hex."""
        return cached_hash(self.path, self._file.fileno(), self._calculate)

    def _calculate(self) -> str:
        self._file.seek(0)
        return hashlib.file_digest(self._file, "sha256").hexdigest()

    def rows(self) -> Iterator[dict[str, str]]:
        """The rows from the first on, one at a time."""
        self._file.seek(0)
        try:
            descriptor = self._file.fileno()
            with open(descriptor, encoding="utf-8", newline="", closefd=False) as file:
                reader = read_named_rows(file, strict=True)
                missing = set(GRADED_COLUMNS) - set(reader.fieldnames or ())
                if missing:
                    raise CacheError(
                        f"{self.path} has no column {min(missing)!r}. Remove it; the next run "
                        "grades again."
                    )
                for row in reader:
                    if None in row or None in row.values():
                        raise CacheError(
                            f"{self.path}, line {reader.line_num}: the number of fields is wrong. "
                            "Remove it; the next run grades again."
                        )
                    yield row
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> CacheError:
        return CacheError(
            f"{self.path} cannot be read: {error}. Remove it; the next run grades again."
        )


def read_graded(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a graded file, one at a time. Raises CacheError on an unreadable one."""
    with GradedFile(path) as file:
        yield from file.rows()
