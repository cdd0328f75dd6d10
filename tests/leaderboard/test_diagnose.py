"""The diagnosis by hand: the example of docs/scoring.md, and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from racro_eval.errors import MissingError
from racro_eval.leaderboard.analysis.diagnose import ALL_SAMPLES, Group, measures
from racro_eval.leaderboard.analysis.usage import divide_walls
from racro_eval.leaderboard.table import build_table
from racro_eval.leaderboard.views.diagnosis import diagnosis
from racro_eval.leaderboard.views.paired import paired
from tests.leaderboard.cells import cell


def group(**more: object) -> Group:
    columns = {"A": "1100", "B": "1001"}
    samples = ("1", "2", "3", "4")
    return Group(
        benchmark="B",
        mllm="M",
        about="qcap+sol",
        samples=samples,
        right={
            name: {one: flag == "1" for one, flag in zip(samples, flags, strict=True)}
            for name, flags in columns.items()
        },
        tentative=dict(zip(samples, (True, False, False, True), strict=True)),
        strata={ALL_SAMPLES: samples, "two of them": ("1", "3")},
    )


def found(stratum: str = ALL_SAMPLES) -> dict[tuple[str, str], float | None]:
    return {(one.reasoner + one.other, one.name): one.value for one in measures(group(), stratum)}


def test_the_example_of_the_documentation() -> None:
    assert found() == {
        ("", "all right"): 25,
        ("", "some right"): 50,
        ("", "none right"): 25,
        ("A", "tentative right"): 50,
        ("A", "reasoner right"): 50,
        ("A", "rescued"): 25,
        ("A", "lost"): 25,
        ("B", "tentative right"): 50,
        ("B", "reasoner right"): 50,
        ("B", "rescued"): 0,
        ("B", "lost"): 0,
        ("AB", "same verdict"): 50,
        ("AB", "kappa"): 0,
    }


def test_a_stratum_counts_its_own_samples() -> None:
    values = found("two of them")
    assert values["", "all right"] == values["", "none right"] == 50
    assert values["AB", "kappa"] == 1


def test_without_a_reasoner_there_is_nothing_to_diagnose() -> None:
    with pytest.raises(MissingError, match="no reasoner's row to diagnose"):
        diagnosis(build_table([cell()]))


class TestPaired:
    def test_units_between_right_and_wrong_are_tested_by_their_signs(self) -> None:
        base, better = cell(), cell(reasoner="R")
        better.score.units = {str(number): 0.5 + number % 2 / 2 for number in range(100)}
        (record,) = paired(build_table([base, better])).records
        assert record["test"] == "sign flip"
        assert record["difference"] == pytest.approx(25.0)
        assert record["p"] == pytest.approx(1 / 10_001, rel=0.5)

    def test_other_samples_or_profiles_are_not_compared(self) -> None:
        for other in (cell(reasoner="R", samples=90), cell(reasoner="R", profile="vlmevalkit")):
            with pytest.raises(MissingError, match="No two rows can be compared"):
                paired(build_table([cell(), other]), "all")

    def test_the_papers_rows_have_no_samples_to_compare(self) -> None:
        from racro_eval.leaderboard.published import published_rows

        with pytest.raises(MissingError, match="No two rows can be compared"):
            paired(build_table([cell()], published=published_rows()), "all")


def test_runs_that_were_killed_have_no_wall_time() -> None:
    one, two = Path("one"), Path("two")
    whole = {"wall_s": 10.0, "argv": ["x"], "model": "m"}
    runs = {
        one: [{**whole, "completion_tokens": 300}, {"interrupted": True}],
        two: [{**whole, "completion_tokens": 100}],
        Path("three"): [{"interrupted": True}],
    }
    assert divide_walls(runs) == {
        one: (7.5, 300),
        two: (2.5, 100),
        Path("three"): (None, 0),
    }
