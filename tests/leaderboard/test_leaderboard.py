"""From cells to a table, from a table to text."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from racro_eval.errors import MissingError
from racro_eval.leaderboard.collect import Cell, find_graded
from racro_eval.leaderboard.formats import CSV_COLUMNS, markdown, rich_table, svg, tidy_csv
from racro_eval.leaderboard.table import build_table
from racro_eval.scoring.accuracy import Part, Score


def cell(
    benchmark: str = "MathVision",
    mllm: str | None = "M",
    reasoner: str | None = None,
    correct: int = 50,
    variant: str = "qcap+sol",
    config: str = "aaaabbbb",
    base: str | None = None,
    samples: int = 100,
    truncated: int = 0,
) -> Cell:
    variant = "qa" if reasoner is None else variant
    statuses = Counter({"correct": correct, "truncated": truncated})
    value = 100 * correct / samples
    score = Score("accuracy", value, Part(correct, samples), samples, 100, statuses)
    return Cell(benchmark, mllm, reasoner, variant, config, "key", base, score, Path("x"))


def labels(cells: list[Cell]) -> list[list[str]]:
    return [[row.label for row in block.rows] for block in build_table(cells).blocks]


def test_a_block_per_mllm_with_its_own_row_on_top() -> None:
    cells = [
        cell(mllm="N", reasoner="R"),
        cell(mllm="M", reasoner="S"),
        cell(mllm="M", reasoner="R"),
        cell(mllm="M"),
        cell(mllm=None, reasoner="R", variant="none"),
    ]
    assert labels(cells) == [["M", "+ R", "+ S"], ["+ R"], ["+ R"]]
    assert build_table(cells).blocks[-1].mllm == "question only"


def test_columns_are_the_papers_first_in_its_order() -> None:
    names = ["Zebra", "LogicVista", "MathVision", "Alpha", "MathVista_MINI"]
    table = build_table([cell(benchmark=name) for name in names])
    assert table.columns == ["MathVista_MINI", "MathVision", "LogicVista", "Alpha", "Zebra"]


def test_other_variants_are_named_and_other_settings_told_apart() -> None:
    cells = [
        cell(reasoner="R", config="11112222"),
        cell(reasoner="R", config="33334444"),
        cell(reasoner="R", variant="cap"),
    ]
    assert labels(cells) == [["+ R (cap)", "+ R [1111]", "+ R [3333]"]]


def test_a_row_spans_benchmarks_of_the_same_settings() -> None:
    cells = [cell(benchmark="MathVision", reasoner="R"), cell(benchmark="WeMath", reasoner="R")]
    (block,) = build_table(cells).blocks
    assert set(block.rows[0].cells) == {"MathVision", "WeMath"}


class TestDifferences:
    def of(self, *cells: Cell) -> list[dict[str, float]]:
        (block,) = build_table(list(cells)).blocks
        return [row.differences for row in block.rows if row.reasoner]

    def test_are_against_the_mllms_own_row(self) -> None:
        assert self.of(cell(correct=40), cell(reasoner="R", correct=47)) == [
            {"MathVision": pytest.approx(7.0)}
        ]

    def test_take_the_tentative_answers_that_were_read(self) -> None:
        found = self.of(
            cell(correct=40, config="b1"),
            cell(correct=45, config="b2"),
            cell(reasoner="R", correct=47, base="b2"),
        )
        assert found == [{"MathVision": pytest.approx(2.0)}]

    def test_are_not_guessed_between_several(self) -> None:
        found = self.of(
            cell(correct=40, config="b1"),
            cell(correct=45, config="b2"),
            cell(reasoner="R", correct=47),
        )
        assert found == [{}]

    def test_need_the_same_number_of_samples(self) -> None:
        assert self.of(cell(samples=50), cell(reasoner="R", samples=40)) == [{}]

    def test_need_a_base_row(self) -> None:
        assert self.of(cell(reasoner="R")) == [{}]


TABLE = build_table(
    [
        cell(correct=40),
        cell(reasoner="R", correct=47, truncated=3),
        cell(reasoner="S", correct=30, samples=60),
        cell(benchmark="WeMath", reasoner="a|b<c>", correct=5),
    ]
)


def test_markdown() -> None:
    assert markdown(TABLE) == (
        "| Model | MathVision | WeMath |\n"
        "|---|---:|---:|\n"
        "| **M** | 40.0<br><sub>n=100, 0.0% cut</sub> | - |\n"
        "| + R | 47.0 (+7.0)<br><sub>n=100, 3.0% cut</sub> | - |\n"
        "| + S | 50.0\\*<br><sub>n=60/100, 0.0% cut</sub> | - |\n"
        "| + a\\|b\\<c\\> | - | 5.0<br><sub>n=100, 0.0% cut</sub> |\n"
        "\n"
        "\\* not all samples; n of N. cut: truncated answers. Brackets: difference to the MLLM's "
        "own.\n"
    )


def test_tidy_csv() -> None:
    rows = list(csv.DictReader(io.StringIO(tidy_csv(TABLE))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == 4
    assert rows[1]["reasoner"] == "R"
    assert (rows[1]["value"], rows[1]["difference"]) == ("47.0000", "7.0000")
    assert (rows[1]["correct"], rows[1]["truncated"], rows[2]["samples"]) == ("47", "3", "60")


def test_svg_is_the_terminals_table_and_fetches_nothing() -> None:
    picture = svg(TABLE)
    assert picture == svg(TABLE), "the same input gives the same bytes"
    root = ElementTree.fromstring(picture)
    text = "".join(root.itertext()).replace("\xa0", " ")
    assert "47.0" in text and "(+7.0)" in text and "n=60/100" in text
    assert "url(" not in picture.replace("url(#", "")


def test_rich_shows_score_difference_n_and_truncated_share() -> None:
    out = io.StringIO()
    Console(file=out, width=100).print(rich_table(TABLE))
    text = out.getvalue()
    assert "47.0 (+7.0)" in text
    assert "n=60/100, 0.0% cut" in text
    assert "50.0*" in text


def test_names_cannot_style_the_terminal() -> None:
    out = io.StringIO()
    Console(file=out, width=100).print(rich_table(build_table([cell(mllm="[red]M[/red]")])))
    assert "[red]M[/red]" in out.getvalue()


def test_no_results_yet(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="holds no graded files yet"):
        find_graded(tmp_path)
    with pytest.raises(MissingError, match="There is no results folder"):
        find_graded(tmp_path / "nowhere")
