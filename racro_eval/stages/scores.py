"""The score of a graded file, with the models and the benchmark that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from racro_eval.data.spec import BenchmarkSpec
from racro_eval.errors import CacheError, DataError
from racro_eval.scoring.metrics.registry import Score, score
from racro_eval.settings import parse_settings
from racro_eval.stages.graded_file import profile_of, read_graded
from racro_eval.stages.summaries import file_state, read_summary, write_summary
from racro_eval.store.sidecar import read_sidecar


@dataclass(frozen=True, slots=True)
class CellScore:
    """The score of one model, or of a pair of models, on one benchmark.

    mllm: None if the reasoner read the question alone. reasoner: None for the MLLM's own answers.
    profile: by whose rules the answers were graded. path: the graded file.
    """

    benchmark: str
    mllm: str | None
    reasoner: str | None
    variant: str
    profile: str
    score: Score
    path: Path

    @property
    def value(self) -> float | None:
        """The benchmark's metric in percent; None where the score has none (`Score.refusal`)."""
        return self.score.value


def read_score(path: Path) -> CellScore:
    """The score of a graded file: the one kept beside it, if that is up to date.

    Raises CacheError if the file or its sidecar is unreadable, DataError if its rows have no score.
    """
    manifest = read_sidecar(path)
    content, labels = manifest.get("spec"), manifest.get("labels")
    if not isinstance(content, dict) or not isinstance(labels, dict):
        raise CacheError(f"{path} has no sidecar; the next run grades again.")
    spec = parse_settings(BenchmarkSpec, content, str(path))
    return CellScore(
        benchmark=spec.name,
        mllm=labels.get("mllm"),
        reasoner=labels.get("reasoner"),
        variant=str(labels.get("variant")),
        profile=profile_of(manifest),
        score=_score(path, spec, content),
        path=path,
    )


def _score(path: Path, spec: BenchmarkSpec, content: dict[str, object]) -> Score:
    try:
        state = file_state(path, content)
    except OSError as error:
        raise CacheError(f"{path} cannot be read: {error.strerror}.") from error
    kept = read_summary(path, state)
    if kept is not None:
        return kept
    try:
        calculated = score(read_graded(path), spec)
    except CacheError:  # which names the file itself
        raise
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    write_summary(path, calculated, state)
    return calculated
