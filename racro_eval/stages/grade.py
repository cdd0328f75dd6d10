"""From responses to verdicts. A pure function of response and sample; needs no model.

The graded file replaces the old one in one step. It is written again only if the responses, the
gold answers or the grader have changed since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from racro_eval.atomic import write_atomically
from racro_eval.cache import RowTable
from racro_eval.data import Benchmark
from racro_eval.data.sample import Sample
from racro_eval.errors import CacheError, DataError
from racro_eval.grading import GRADER_VERSION, Status, Verdict
from racro_eval.records import encode_row
from racro_eval.scoring import score
from racro_eval.scoring.graded import GRADED_COLUMNS, graded_columns, graded_path, read_graded
from racro_eval.scoring.profiles import DEFAULT_PROFILE, SCORING_VERSION, Profile, grade
from racro_eval.scoring.summaries import file_state, write_summary
from racro_eval.sidecar import read_sidecar, write_sidecar


def grade_rows(
    rows: Iterable[Mapping[str, str]], benchmark: Benchmark, profile: Profile = DEFAULT_PROFILE
) -> Iterator[dict[str, str]]:
    """Verdicts of rows with `index` and `prediction` (and, if known, finish_reason and error).

    Rows of other indices than the benchmark's are left out.
    """
    columns = graded_columns(benchmark.spec)[len(GRADED_COLUMNS) :]
    for row in rows:
        sample = benchmark.get(row["index"])
        if sample is None:
            continue
        verdict = judge_row(row, sample, profile)
        yield {
            "index": sample.index,
            "sample": row.get("sample", "0"),
            "prediction": row["prediction"],
            "extracted": verdict.extracted,
            "method": verdict.method,
            "answer": sample.answer,
            "status": verdict.status.value,
            "correct": "1" if verdict.correct else "0",
            **{name: sample.meta.get(name, "") for name in columns},
        }


def judge_row(
    row: Mapping[str, str], sample: Sample, profile: Profile = DEFAULT_PROFILE
) -> Verdict:
    """The verdict on one row; that of a row which its stage failed to answer is `error`."""
    if row.get("error"):
        return Verdict(Status.error, "", row["error"], False)
    return grade(
        row["prediction"],
        sample,
        profile=profile,
        finish_reason=row.get("finish_reason") or "stop",
    )


def write_graded(rows: Iterable[Mapping[str, str]], path: Path, benchmark: Benchmark) -> None:
    """Write graded rows in one step."""
    columns = graded_columns(benchmark.spec)
    lines = (encode_row(row[column] for column in columns) for row in rows)
    write_atomically(path, chain([encode_row(columns)], lines))


def store_graded(
    rows: Iterable[Mapping[str, str]],
    path: Path,
    benchmark: Benchmark,
    manifest: Mapping[str, Any],
) -> None:
    """Write a graded file of the results: rows, the sidecar that tells of them, their score."""
    write_graded(rows, path, benchmark)
    write_sidecar(path, manifest)
    state = file_state(path, manifest["spec"])
    with suppress(DataError):  # whoever wants a score of such rows is told why there is none
        write_summary(path, score(read_graded(path), benchmark.spec), state)


def grade_file(
    table: RowTable,
    benchmark: Benchmark,
    manifest: Mapping[str, Any],
    profile: Profile = DEFAULT_PROFILE,
) -> Path:
    """Bring the graded file of a stage's file up to date; gives its path.

    manifest: the stage's sidecar; what it says of the file goes with the verdicts.
    """
    path = graded_path(table.path, profile)
    state = {
        "profile": profile,
        "grader": GRADER_VERSION,
        "scoring": SCORING_VERSION,
        "rows_sha256": file_hash(table.path),
        "gold_sha256": benchmark.gold_hash,
    }
    about = {name: manifest.get(name) for name in ("key", "config", "labels", "parents")}
    content = {**about, "graded": state, "spec": benchmark.spec.model_dump(mode="json")}
    if not is_current(path, content):
        store_graded(grade_rows(table.rows(), benchmark, profile), path, benchmark, content)
    return path


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_current(path: Path, content: Mapping[str, Any]) -> bool:
    """Whether a graded file is there and its sidecar says exactly this of it."""
    try:
        return path.exists() and read_sidecar(path) == content
    except CacheError:
        return False
