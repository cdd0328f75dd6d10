"""From responses to verdicts. A verdict depends on response and sample alone; no model is needed.

The graded file replaces the old one in one step. It is written again if the responses, the gold
answers or the grader have changed since, or if the file itself was changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from racro_eval.common.redaction import redacted_values
from racro_eval.data import Benchmark
from racro_eval.data.sample import Sample
from racro_eval.errors import CacheError, DataError
from racro_eval.grading import GRADER_VERSION, Status, Verdict
from racro_eval.scoring.metrics.registry import packages_of, score
from racro_eval.scoring.profiles import DEFAULT_PROFILE, SCORING_VERSION, Profile, grade
from racro_eval.stages.graded_file import (
    GRADED_COLUMNS,
    GradedFile,
    graded_columns,
    graded_path,
    read_graded,
)
from racro_eval.stages.summaries import file_state, summary_path, write_summary
from racro_eval.store.atomic import remove_leftovers, write_atomically
from racro_eval.store.file_lock import locked
from racro_eval.store.records import clean, encode_row
from racro_eval.store.row_table import RowTable
from racro_eval.store.sidecar import read_sidecar, sidecar_path, write_sidecar


def grade_rows(
    rows: Iterable[Mapping[str, str]], benchmark: Benchmark, profile: Profile = DEFAULT_PROFILE
) -> Iterator[dict[str, str]]:
    """The graded rows of rows with `index` and `prediction`; finish_reason and error are optional.

    Rows whose index the benchmark does not have are left out.
    """
    columns = graded_columns(benchmark.spec)[len(GRADED_COLUMNS) :]
    stored = {clean(index): index for index in benchmark.places if clean(index) != index}
    for row in rows:
        sample = benchmark.get(stored.get(row["index"], row["index"]))
        if sample is None:
            continue
        verdict = grade_row(row, sample, profile)
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


def grade_row(
    row: Mapping[str, str], sample: Sample, profile: Profile = DEFAULT_PROFILE
) -> Verdict:
    """The verdict on one row; a row with an error in place of an answer gets the status `error`."""
    if row.get("error"):
        return Verdict(Status.error, "", row["error"], False)
    return grade(
        row["prediction"],
        sample,
        profile=profile,
        finish_reason=row.get("finish_reason") or "stop",
    )


def write_graded(
    rows: Iterable[Mapping[str, str]], path: Path, benchmark: Benchmark
) -> dict[str, Any]:
    """Write graded rows in one step; returns the hash of the file and its number of rows."""
    columns = graded_columns(benchmark.spec)
    digest, count = hashlib.sha256(), 0

    def lines() -> Iterator[bytes]:
        nonlocal count
        for line in chain([encode_row(columns)], (_line(row, columns) for row in rows)):
            digest.update(line)
            count += 1
            yield line

    write_atomically(path, lines())
    return {"sha256": digest.hexdigest(), "rows": count - 1}


def _line(row: Mapping[str, str], columns: Iterable[str]) -> bytes:
    return encode_row(row[column] for column in columns)


def store_graded(
    rows: Callable[[], Iterable[Mapping[str, str]]],
    path: Path,
    benchmark: Benchmark,
    manifest: Mapping[str, Any],
    on_wait: Callable[[str], None] | None = None,
) -> None:
    """Bring a graded file up to date: its rows, its sidecar, and the score kept beside it.

    rows: returns the graded rows. manifest: the content of the sidecar; the hash of the file and
    its number of rows are added. on_wait: called with a sentence if another process grades it.
    """
    for kept in (path, sidecar_path(path), summary_path(path)):
        remove_leftovers(kept)
    if is_current(path, manifest):
        return
    with locked(path, on_wait):
        if is_current(path, manifest):
            return
        facts = write_graded(rows(), path, benchmark)
        write_sidecar(path, {**manifest, "graded": {**manifest["graded"], **facts}})
        state = file_state(path, manifest["spec"])
        with suppress(DataError):  # raised again for whoever asks for a score of these rows
            write_summary(path, score(read_graded(path), benchmark.spec), state)


def is_current(path: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether a graded file is unchanged and was made from what `manifest` describes."""
    try:
        known = read_sidecar(path)
        graded = known.get("graded")
        if not isinstance(graded, dict):
            return False
        facts = {name: graded.get(name) for name in ("sha256", "rows")}
        if known != redacted_values({**manifest, "graded": {**manifest["graded"], **facts}}):
            return False
        with GradedFile(path) as file:
            return file.sha256() == facts["sha256"]
    except CacheError:
        return False


def grade_file(
    table: RowTable,
    benchmark: Benchmark,
    manifest: Mapping[str, Any],
    profile: Profile = DEFAULT_PROFILE,
    on_wait: Callable[[str], None] | None = None,
) -> Path:
    """Bring the graded file of a stage's file up to date; returns its path.

    manifest: the sidecar of the stage's file; parts of it are copied to that of the graded file.
    Raises CacheError if the rows change while they are graded.
    """
    path = graded_path(table.path, profile)
    sha256 = table.sha256()
    state: dict[str, Any] = {
        "profile": profile,
        "grader": GRADER_VERSION,
        "scoring": SCORING_VERSION,
        "rows_sha256": sha256,
        "gold_sha256": benchmark.gold_hash,
    }
    spec = benchmark.spec.model_dump(mode="json")
    if packages := packages_of(spec):
        state["packages"] = packages
    about = {name: manifest.get(name) for name in ("key", "config", "labels", "parents")}
    content = {**about, "graded": state, "spec": spec}

    def rows() -> Iterator[dict[str, str]]:
        yield from grade_rows(table.rows(), benchmark, profile)
        if table.sha256() != sha256:  # the error leaves the old graded file as it is
            raise CacheError(
                f"{table.path} was changed while it was graded. Run the same command again."
            )

    store_graded(rows, path, benchmark, content, on_wait)
    return path
