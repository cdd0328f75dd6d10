"""From graded files to cells of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from racro_eval.data.spec import BenchmarkSpec
from racro_eval.errors import CacheError, DataError, MissingError
from racro_eval.leaderboard.reading import Columns, read_ahead, rows, unreadable
from racro_eval.scoring.metrics.registry import Score, score
from racro_eval.scoring.profiles import DEFAULT_PROFILE
from racro_eval.settings import parse_settings
from racro_eval.stages.graded_file import SUFFIX, GradedFile, graded_columns, profile_of
from racro_eval.stages.summaries import file_state, read_summary, write_summary
from racro_eval.store.sidecar import read_sidecar


@dataclass(frozen=True, slots=True)
class Cell:
    """The score of one model (or pair of models) on one benchmark.

    mllm: None if the reasoner got the question only. reasoner: None for the MLLM's own answers.
    settings_hash: identifies all settings except the benchmark. base: the settings hash of the
    tentative answers that the reasoner got, if any. prompts: the prompt set. profile, grader: how
    the answers were scored. parents: role → key of the files that the stage read.
    """

    benchmark: str
    mllm: str | None
    reasoner: str | None
    variant: str
    settings_hash: str
    key: str
    base: str | None
    score: Score
    path: Path
    prompts: str = "racro"
    seed: str = "0"
    profile: str = DEFAULT_PROFILE
    grader: str = ""
    spec: BenchmarkSpec | None = None
    parents: Mapping[str, str] = field(default_factory=dict)

    @property
    def value(self) -> float | None:
        """The benchmark's metric in percent; None where the score has none (`Score.refusal`)."""
        return self.score.value

    @property
    def stage_path(self) -> Path:
        """The stage's file with the graded answers, whatever the scoring profile."""
        stem = self.path.name.partition(f"-{self.key}")[0]
        return self.path.with_name(f"{stem}-{self.key}.csv")


@dataclass(frozen=True, slots=True)
class _Source:
    """A graded file before its rows are read."""

    path: Path
    manifest: dict[str, Any]
    spec: BenchmarkSpec

    @property
    def columns(self) -> list[str]:
        """The columns that a metric can use: all but those of the response."""
        unused = ("prediction", "extracted", "method", "answer")
        return [name for name in graded_columns(self.spec) if name not in unused]


def collect(paths: Iterable[Path]) -> list[Cell]:
    """The cells of graded files, in the order of the files.

    Raises CacheError, which names the file, if a file or its sidecar is unreadable, or if its rows
    are not those of its benchmark.
    """
    sources = list(_sources(paths))
    states = {source.path: file_state(source.path, source.manifest["spec"]) for source in sources}
    scores = {source.path: read_summary(source.path, states[source.path]) for source in sources}
    unscored = [source for source in sources if scores[source.path] is None]
    columns = read_ahead((source.path, source.columns) for source in unscored)
    for source, values in zip(unscored, columns, strict=True):
        scores[source.path] = new = _score(source, values)
        write_summary(source.path, new, states[source.path])
    return [_cell(source, score) for source in sources if (score := scores[source.path])]


def _sources(paths: Iterable[Path]) -> Iterator[_Source]:
    specs: dict[str, BenchmarkSpec] = {}
    for path in paths:
        manifest = read_sidecar(path)
        content = manifest.get("spec")
        if not path.is_file():
            raise unreadable(path, "it does not exist")
        if not isinstance(content, dict):
            raise CacheError(f"{path} has no sidecar; run the grading again.")
        text = repr(content)  # files of the same benchmark share a spec, which is parsed once
        if text not in specs:
            specs[text] = parse_settings(BenchmarkSpec, content, str(path))
        yield _check_labels(_Source(path, manifest, specs[text]))


def _cell(source: _Source, score: Score) -> Cell:
    manifest, spec = source.manifest, source.spec
    labels, graded = manifest.get("labels") or {}, manifest.get("graded") or {}
    parents = {role: parent for role, parent in (manifest.get("parents") or {}).items() if parent}
    return Cell(
        benchmark=spec.name,
        mllm=labels.get("mllm"),
        reasoner=labels.get("reasoner"),
        variant=str(labels.get("variant")),
        settings_hash=str(manifest.get("config")),
        key=str(manifest.get("key")),
        base=parents.get("tentative", {}).get("config"),
        score=score,
        path=source.path,
        prompts=str(labels.get("prompts", "racro")),
        seed=str(labels.get("seed", 0)),
        profile=profile_of(manifest),
        grader=str(graded.get("grader", "")),
        spec=spec,
        parents={role: str(parent.get("key")) for role, parent in parents.items()},
    )


def _score(source: _Source, columns: Columns) -> Score:
    _check_rows(source, columns)
    try:
        return score(rows(columns), source.spec)
    except DataError as error:
        raise unreadable(source.path, str(error).rstrip(".")) from error


def _check_labels(source: _Source) -> _Source:
    spec = source.spec
    name = (source.manifest.get("labels") or {}).get("benchmark", spec.name)
    if name != spec.name:
        problem = f"it is for {name}, but its sidecar contains the benchmark {spec.name}"
        raise unreadable(source.path, problem)
    return source


def _check_rows(source: _Source, columns: Columns) -> None:
    """Raise CacheError for rows that no grading of this benchmark has written."""
    spec, path = source.spec, source.path
    recorded = (source.manifest.get("graded") or {}).get("sha256")
    if recorded:  # older versions recorded none
        with GradedFile(path) as file:
            if file.sha256() != recorded:
                raise unreadable(path, "it was changed after it was graded")
    invalid = set(columns["correct"]) - {"0", "1"}
    if invalid:
        raise unreadable(path, f"its column 'correct' contains {min(invalid)!r}, not 0 or 1")
    samples = len(set(columns["index"]))
    if samples < len(columns["index"]):
        distinct = set(zip(columns["index"], columns["sample"], strict=True))
        if len(distinct) < len(columns["index"]):
            raise unreadable(path, "two rows have the same index and sample number")
    if samples > spec.rows:
        raise unreadable(path, f"it has {samples} samples, but {spec.name} has only {spec.rows}")


def find_graded(results: Path) -> list[Path]:
    """All graded files under a results folder, sorted. Raises MissingError if there is none."""
    if not results.is_dir():
        raise MissingError(
            f"There is no results folder {results}: `racro-eval --data ... --reasoner ...` creates "
            "it, or use --results for another one."
        )
    paths = sorted(path for path in results.rglob(f"*{SUFFIX}") if path.is_file())
    if not paths:
        raise MissingError(
            f"{results} holds no graded files yet; run a benchmark first: "
            "`racro-eval --data Demo`, for instance."
        )
    return paths
