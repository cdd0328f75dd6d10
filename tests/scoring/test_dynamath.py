"""DynaMath's metric: what counts is that all ten variants of a seed are right."""

from __future__ import annotations

import pytest

from racro_eval.scoring.metrics.registry import Part, score
from tests.support.specs import spec_with

SPEC = spec_with(
    "dynamath", "seed", "variant", "subject", "level", breakdowns=("subject", "level"), rows=20
)


def seed_rows(
    seed: str, verdicts: str, *, run: str = "0", subject: str = "algebra"
) -> list[dict[str, str]]:
    """The graded rows of a seed from a text such as 1111111110, one digit per variant."""
    return [
        {
            "index": f"{seed}-{variant}",
            "sample": run,
            "status": "correct" if verdict == "1" else "incorrect",
            "correct": verdict,
            "seed": seed,
            "variant": str(variant),
            "subject": subject,
            "level": "high school",
        }
        for variant, verdict in enumerate(verdicts, start=1)
    ]


ALL, NINE, NONE = "1" * 10, "1" * 9 + "0", "0" * 10


def test_one_wrong_variant_costs_the_seed() -> None:
    result = score(seed_rows("1", ALL) + seed_rows("2", NINE), SPEC)
    assert result.value == 50.0
    assert result.units == {"1": 1.0, "2": 0.0}
    assert result.further["average"] == 95.0
    assert result.further["reasoning robustness"] == pytest.approx(100 * 50 / 95)
    assert not result.partial


def test_average_and_worst_case_per_subject() -> None:
    rows = seed_rows("1", ALL) + seed_rows("2", NINE, subject="statistics")
    result = score(rows, SPEC)
    assert result.breakdowns["subject"] == {"algebra": Part(10, 10), "statistics": Part(9, 10)}
    assert result.breakdowns["subject (worst case)"] == {
        "algebra": Part(1, 1),
        "statistics": Part(0, 1),
    }
    assert result.breakdowns["level (worst case)"] == {"high school": Part(1, 2)}


def test_several_answers_are_several_runs_of_each_seed() -> None:
    rows = seed_rows("1", ALL) + seed_rows("1", NINE, run="1")
    result = score(rows, SPEC)
    assert (result.value, result.units) == (50.0, {"1": 0.5})


def test_a_seed_right_in_every_variant_but_never_in_one_run_is_wrong() -> None:
    rows = seed_rows("1", NINE) + seed_rows("1", "0" + "1" * 9, run="1")
    assert score(rows, SPEC).value == 0.0


def test_a_seed_without_all_its_variants_is_refused() -> None:
    result = score(seed_rows("1", ALL)[:7] + seed_rows("2", ALL), SPEC)
    assert result.value is None
    assert result.units == {}
    assert result.further == {"average": 100.0, "reasoning robustness": None}
    assert result.refusal == (
        "No worst-case accuracy: 1 of 2 seeds lack rows (10 in 1, 8 in 1, 9 in 1; seed '1', say). "
        "It needs whole seeds."
    )


def test_robustness_is_undefined_where_nothing_is_right() -> None:
    result = score(seed_rows("1", NONE), SPEC)
    assert result.value == 0.0
    assert result.further["reasoning robustness"] is None


def test_no_rows_have_no_score() -> None:
    result = score([], SPEC)
    assert (result.value, result.refusal) == (None, "")
