"""The scores of a run, without reading files oneself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from racro_eval import RunConfig, RunReport, run
from racro_eval.errors import CacheError, DataError
from racro_eval.leaderboard.collect import Cell, collect
from racro_eval.stages.summaries import summary_path
from racro_eval.store.sidecar import sidecar_path
from tests.support.benchmarks import make_json_benchmark
from tests.support.results import score_of


def read_score(path: Path) -> Cell:
    """What a report says of one graded file."""
    (cell,) = RunReport(graded=[path]).scores
    return cell


@pytest.fixture
def report(tmp_path: Path) -> RunReport:
    return run(
        RunConfig(
            data=[str(make_json_benchmark(tmp_path, 6))],
            mllm=["echo:m"],
            reasoner=["echo:r"],
            variant=["qcap+sol", "none"],
            data_root=tmp_path,
            results=tmp_path / "results",
        )
    )


def test_there_is_one_for_each_graded_file_and_it_says_what_it_is_of(report: RunReport) -> None:
    assert [
        (cell.benchmark, cell.mllm, cell.reasoner, cell.variant, cell.profile)
        for cell in report.scores
    ] == [
        ("Small", "m", None, "qa", "official"),
        ("Small", "m", "r", "qcap+sol", "official"),
        ("Small", None, "r", "none", "official"),
    ]
    assert [cell.path for cell in report.scores] == report.graded


def test_they_are_those_of_the_rows_and_of_the_leaderboard(report: RunReport) -> None:
    assert [cell.score for cell in report.scores] == [score_of(path) for path in report.graded]
    assert [cell.score for cell in report.scores] == [cell.score for cell in collect(report.graded)]
    assert [cell.value for cell in report.scores] == [cell.score.value for cell in report.scores]


def test_nothing_is_read_before_they_are_asked_for_and_only_once(report: RunReport) -> None:
    scores = report.scores
    for path in report.graded:
        path.unlink()
    assert report.scores is scores


def test_one_that_is_not_kept_is_calculated_and_kept_again(report: RunReport) -> None:
    (path, *_) = report.graded
    before = read_score(path)
    summary_path(path).unlink()
    assert read_score(path) == before
    assert summary_path(path).exists()


def test_a_file_that_is_not_there_or_not_whole_is_an_error_that_names_it(report: RunReport) -> None:
    missing, spoiled, foreign = report.graded
    missing.unlink()
    with pytest.raises(CacheError, match=f"{missing.name} cannot be read"):
        read_score(missing)
    text = spoiled.read_text()
    spoiled.write_text(text[: len(text) // 2] + '"')
    with pytest.raises(CacheError, match=re.escape(spoiled.name)):
        read_score(spoiled)
    sidecar_path(foreign).unlink()
    with pytest.raises(DataError, match=f"{foreign.name} has no sidecar"):
        read_score(foreign)


def test_a_file_that_was_changed_since_has_no_score_here_or_anywhere(report: RunReport) -> None:
    (path, *_) = report.graded
    path.write_text(path.read_text().replace("The answer is", "My answer is"))
    summary_path(path).unlink()
    for score in (read_score, read_score, lambda path: collect([path])):
        with pytest.raises(CacheError, match=f"{path.name} cannot be read: it was changed after"):
            score(path)
    assert not summary_path(path).exists()
