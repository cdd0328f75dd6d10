"""Metrics beside official totals."""

from __future__ import annotations

import csv

import pytest

from racro_eval.data.spec import load_spec
from racro_eval.scoring.metrics.registry import score
from racro_eval.scoring.metrics.wemath import domains
from racro_eval.stages.graded_file import graded_columns
from tests.parity.agreement import benchmark
from tests.support.paths import shared_data


@pytest.mark.parametrize("model", ["GPT4o", "Qwen2-7B", "llava1.5-7B"])
def test_dynamath_totals_are_the_official_ones(model: str) -> None:
    path = shared_data() / "dynamath" / "results" / f"{model}-result.csv"
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    seeds = [row for row in table if row[0].startswith("Q") and row[0][1:].isdigit()]
    (totals,) = [row[1:11] for row in table if row[0] == "# of correct per variant"]
    rows = [
        {
            "index": f"{row[0]}-{variant}",
            "sample": "0",
            "status": cell,
            "correct": "01"[cell == "correct"],
            "seed": row[0],
            "variant": str(variant),
            "subject": row[12],
            "level": row[13],
            "answer_type": "",
        }
        for row in seeds
        for variant, cell in enumerate(row[1:11], start=1)
    ]
    result = score(rows, load_spec("DynaMath"))
    assert (result.samples, result.partial, result.refusal) == (5010, False, "")
    worst = sum(row[11] == "10" for row in seeds)  # the official count of correct variants
    assert result.value == pytest.approx(100 * worst / 501)
    assert result.further["average"] == pytest.approx(100 * sum(map(int, totals)) / 5010)
    for name, column in (("subject", 12), ("level", 13)):
        for label, part in result.breakdowns[f"{name} (worst case)"].items():
            mine = [row for row in seeds if row[column] == label]
            assert (part.correct, part.rows) == (sum(row[11] == "10" for row in mine), len(mine))
            assert result.breakdowns[name][label].correct == sum(int(row[11]) for row in mine)


def test_wemath_rows_form_525_problems_of_known_concepts() -> None:
    shared_data()
    rows = [
        {
            "index": sample.index,
            "sample": "0",
            "status": "correct",
            "correct": "1",
            **{name: sample.meta[name] for name in ("problem", "part", "concept")},
        }
        for sample in benchmark("WeMath")
    ]
    result = score(rows, load_spec("WeMath"))
    assert (len(result.units), result.value, result.refusal) == (525, 100.0, "")
    assert (result.samples, result.partial) == (1740, False)
    one_step = {row["concept"] for row in rows if not row["part"].endswith("multi")}
    assert one_step == {concept for names in domains().values() for concept in names}
    assert sum(name.startswith("domain: ") for name in result.further) == 12
    without = score(rows[1:], load_spec("WeMath"))
    assert (without.value, without.partial) == (None, True)
    assert "1 of 525 problems lack rows" in without.refusal


def test_graded_files_hold_what_the_metric_needs() -> None:
    assert {"problem", "part", "concept"} < set(graded_columns(load_spec("WeMath")))
    assert {"seed", "variant", "subject"} < set(graded_columns(load_spec("DynaMath")))
