"""Answers in a results folder that have no verdicts yet, and grading them where that is possible.

A run grades what it has finished; a killed run leaves answers without verdicts, or with verdicts
that are out of date. Looking for them reads sidecars only: no heavy package is imported and no file
is read in full unless there is something to grade.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from racro_eval.common.name_list import abbreviated
from racro_eval.errors import CacheError, DataError, MissingError, RacroError, UnknownNameError
from racro_eval.grading.verdict import GRADER_VERSION
from racro_eval.scoring.metrics.registry import packages_of
from racro_eval.scoring.profiles import DEFAULT_PROFILE, PROFILES, SCORING_VERSION, Profile
from racro_eval.settings import parse_settings
from racro_eval.stages.graded_file import SUFFIX, graded_path, profile_of
from racro_eval.store.file_hash import file_sha256
from racro_eval.store.shards import Shard
from racro_eval.store.sidecar import read_sidecar, sidecar_path

if TYPE_CHECKING:
    from racro_eval.data import Benchmark
    from racro_eval.data.spec import BenchmarkSpec

_STAGE_FILE = re.compile(r".+-[0-9a-f]{8}(?:\.shard-[0-9]+-of-[0-9]+)?\.csv", re.ASCII)
_ANSWERS = ("reason", "tentative")


@dataclass
class Gradings:
    """graded: answers that have new verdicts. left: answers that could not be graded, and why."""

    graded: list[Path] = field(default_factory=list)
    left: dict[Path, str] = field(default_factory=dict)

    def lines(self, results: Path) -> Iterator[str]:
        """A sentence for each reason why answers were not graded."""
        reasons: dict[str, list[Path]] = {}
        for path, reason in self.left.items():
            reasons.setdefault(reason, []).append(path)
        for reason, paths in reasons.items():
            yield f"Not graded, or not again: {_names(paths, results)}: {reason}"


def _names(paths: list[Path], results: Path) -> str:
    return abbreviated([str(path.relative_to(results)) for path in paths], limit=3)


def grade_ungraded(
    results: Path,
    data_root: Path | None = None,
    on_start: Callable[[Path], None] = lambda path: None,
) -> Gradings:
    """Grade the answers under a folder whose verdicts are missing or out of date.

    on_start: called with each file before it is graded, which may take a minute.

    Answers of a run that is still running, or was interrupted, are graded too: a score of some of
    the samples is marked as partial. Nothing is downloaded, and nothing is raised for answers that
    cannot be graded.
    """
    done, benchmarks = Gradings(), _Benchmarks(results, data_root)
    for path in sorted(results.rglob("*.csv")):
        if path.name.endswith(SUFFIX) or not _STAGE_FILE.fullmatch(path.name) or path.is_dir():
            continue
        try:
            _bring_up_to_date(path, benchmarks, done, on_start)
        except (RacroError, OSError) as error:
            done.left[path] = str(error)
    return done


def _bring_up_to_date(
    path: Path, benchmarks: _Benchmarks, done: Gradings, on_start: Callable[[Path], None]
) -> None:
    manifest = read_sidecar(path)
    settings = manifest.get("settings")
    if not isinstance(settings, dict):
        done.left[path] = "It has no sidecar; the run that wrote it writes it again."
        return
    if settings.get("stage") not in _ANSWERS:
        return
    profiles = [profile for profile in _profiles(path) if is_outdated(path, profile)]
    if not profiles:
        return
    if Shard.from_path(path):
        done.left[path] = "It is a shard; `racro-eval merge` joins the shards of a finished run."
        return
    on_start(path)
    _grade(path, manifest, benchmarks, profiles, done)


def _profiles(path: Path) -> list[Profile]:
    """The profiles under which a file was graded before; the default one if there are none."""
    known: list[Profile] = [profile for profile in PROFILES if graded_path(path, profile).exists()]
    return known or [DEFAULT_PROFILE]


def is_outdated(path: Path, profile: Profile) -> bool:
    """Whether the verdicts on a file of answers are missing, out of date, or of another grader.

    Verdicts that are newer than the answers belong to them, and a graded file that is older than
    its sidecar is complete. Where the times do not show this, hashes are compared.
    """
    graded = graded_path(path, profile)
    try:
        content = read_sidecar(graded)
        written = graded.stat().st_mtime_ns
        described = sidecar_path(graded).stat().st_mtime_ns
    except (CacheError, FileNotFoundError):
        return True
    state = content.get("graded")
    if not isinstance(state, dict) or profile_of(content) != profile:
        return True
    if (state.get("grader"), state.get("scoring")) != (GRADER_VERSION, SCORING_VERSION):
        return True
    spec = content.get("spec")
    if state.get("packages", {}) != (packages_of(spec) if isinstance(spec, dict) else {}):
        return True
    changed = path.stat().st_mtime_ns > written and file_sha256(path) != state.get("rows_sha256")
    damaged = written > described and "sha256" in state and file_sha256(graded) != state["sha256"]
    return changed or damaged


def _grade(
    path: Path,
    manifest: dict[str, Any],
    benchmarks: _Benchmarks,
    profiles: list[Profile],
    done: Gradings,
) -> None:
    from racro_eval.stages.grade import grade_file
    from racro_eval.store.columns import CALL_COLUMNS, REASONING_COLUMNS
    from racro_eval.store.row_table import RowTable

    reasoned = manifest["settings"]["stage"] == "reason"
    with RowTable(path, REASONING_COLUMNS if reasoned else CALL_COLUMNS) as table:
        if not len(table):
            return
        benchmark = benchmarks.of(manifest)
        before = [_written(path, profile) for profile in profiles]
        for profile in profiles:
            grade_file(table, benchmark, manifest, profile)
    if before != [_written(path, profile) for profile in profiles]:
        done.graded.append(path)


def _written(path: Path, profile: Profile) -> int:
    """When the verdicts on a file of answers were written; 0 if there are none."""
    graded = graded_path(path, profile)
    return graded.stat().st_mtime_ns if graded.exists() else 0


class _Benchmarks:
    """The benchmarks of a results folder, each loaded once and from local files only."""

    def __init__(self, results: Path, data_root: Path | None) -> None:
        self._results = results
        self._data_root = data_root
        self._loaded: dict[tuple[str, str], Benchmark | RacroError] = {}

    def of(self, manifest: dict[str, Any]) -> Benchmark:
        """The benchmark of a stage's file. Raises RacroError if its rows are not here."""
        about = manifest.get("benchmark") or {}
        name = str(about.get("name"))
        style = str(manifest["settings"].get("question_style", "racro"))
        if (name, style) not in self._loaded:
            try:
                self._loaded[name, style] = self._load(name, style)
            except RacroError as error:
                self._loaded[name, style] = error
        loaded = self._loaded[name, style]
        if isinstance(loaded, RacroError):
            raise loaded
        if loaded.data_hash != about.get("data_sha256"):
            raise DataError(f"The rows of {name} have changed since they were answered.")
        return loaded

    def _load(self, name: str, style: str) -> Benchmark:
        from racro_eval.data import read_benchmark

        return read_benchmark(
            self._spec(name),
            data_root=self._data_root,
            offline=True,
            question_style="native" if style == "native" else "racro",
        )

    def _spec(self, name: str) -> BenchmarkSpec:
        """The spec of a benchmark: a shipped one, or one that was graded here before."""
        from racro_eval.data.spec import BenchmarkSpec, load_spec

        try:
            return load_spec(name)
        except UnknownNameError:
            pass
        for graded in sorted(self._results.rglob(f"*{SUFFIX}")):
            content = read_sidecar(graded).get("spec")
            if isinstance(content, dict) and content.get("name") == name:
                return parse_settings(BenchmarkSpec, content, str(graded))
        raise MissingError(
            f"No benchmark {name} ships with racro-eval; the run that wrote it grades it."
        )
