"""From cells to a table: blocks, rows, differences, averages, what is best."""

from __future__ import annotations

from collections import Counter

import pytest

from racro_eval.errors import UnknownNameError
from racro_eval.leaderboard.collect import Cell
from racro_eval.leaderboard.columns import PAPER_COLUMNS
from racro_eval.leaderboard.table import Row, build_table
from racro_eval.leaderboard.views.board import board
from racro_eval.leaderboard.views.breakdown import breakdown
from racro_eval.models.parameters import billion_parameters
from racro_eval.scoring.metrics.registry import Part, Score
from tests.leaderboard.cells import cell


def labels(cells: list[Cell]) -> list[list[str]]:
    return [[row.label for row in block.rows] for block in build_table(cells).blocks]


def only(cells: list[Cell], reasoner: str | None = "R") -> Row:
    (row,) = [row for row in build_table(cells).rows if row.reasoner == reasoner]
    return row


class TestRows:
    def test_a_block_per_mllm_with_its_own_row_on_top(self) -> None:
        cells = [
            cell(mllm="N", reasoner="R"),
            cell(mllm="M", reasoner="S"),
            cell(mllm="M", reasoner="R"),
            cell(mllm="M"),
            cell(mllm=None, reasoner="R", variant="none"),
        ]
        assert labels(cells) == [["M", "+ R", "+ S"], ["+ R"], ["+ R"]]
        assert build_table(cells).blocks[-1].mllm == "question only"

    def test_an_mllm_without_a_row_of_its_own_is_named_above_its_reasoners(self) -> None:
        cells = [cell(mllm=None, reasoner="S", variant="none"), cell(reasoner="R")]
        blocks = board(build_table(cells)).sheets[0].blocks
        assert [[line.label for line in block] for block in blocks] == [
            ["M", "+ R"],
            ["question only", "+ S"],
        ]

    def test_a_row_spans_benchmarks_of_the_same_settings(self) -> None:
        row = only([cell("MathVision", reasoner="R"), cell("WeMath", reasoner="R")])
        assert {"MathVision", "WeMath"} <= set(row.entries)

    @pytest.mark.parametrize(
        ("more", "label"),
        [
            ({}, "+ R"),
            ({"variant": "cap"}, "+ R (cap)"),
            ({"prompts": "rapid"}, "+ R (rapid prompts)"),
            ({"profile": "vlmevalkit"}, "+ R (scored by vlmevalkit)"),
            (
                {"variant": "sol", "prompts": "rapid", "profile": "official+judge:J"},
                "+ R (sol, rapid prompts, scored by official+judge:J)",
            ),
        ],
    )
    def test_whatever_is_not_the_default_is_in_the_label(
        self, more: dict[str, str], label: str
    ) -> None:
        assert only([cell(reasoner="R", **more)]).label == label  # type: ignore[arg-type]

    def test_rows_with_the_same_name_are_distinguished_by_their_settings(self) -> None:
        cells = [
            cell(reasoner="R", settings_hash="11112222"),
            cell(reasoner="R", settings_hash="33334444"),
        ]
        assert labels(cells) == [["+ R [1111]", "+ R [3333]"]]

    def test_profiles_of_one_run_are_rows_of_their_own(self) -> None:
        cells = [cell(reasoner="R"), cell(reasoner="R", profile="vlmevalkit")]
        assert labels(cells) == [["+ R", "+ R (scored by vlmevalkit)"]]

    def test_the_notes_say_why_rows_are_not_alike(self) -> None:
        cells = [
            cell(reasoner="R", grader="2"),
            cell(reasoner="S", grader="3"),
            cell(reasoner="R", prompts="rapid"),
            cell(reasoner="R", profile="vlmevalkit"),
        ]
        notes = " ".join(board(build_table(cells)).notes)
        assert "Rows with rapid prompts are rows of their own" in notes
        assert "Rows scored by vlmevalkit are rows of their own" in notes
        assert "The table mixes verdicts of different graders (2, 3)" in notes
        assert len(board(build_table(cells[:1])).notes) == 1

    def test_a_refused_score_is_missing_and_its_reason_is_a_note(self) -> None:
        refused = cell(reasoner="R")
        refused.score.value, refused.score.refusal = None, "problem 3 lacks a step."
        document = board(build_table([refused], ["MathVision"]))
        assert document.sheets[0].lines[0].fields[0].text == "-"
        assert document.notes[-1] == "qcap+sol-key.graded.csv: problem 3 lacks a step."


class TestColumns:
    def test_are_the_papers_and_the_average_if_one_of_them_has_a_score(self) -> None:
        names = ["Zebra", "LogicVista", "Alpha"]
        table = build_table([cell(name) for name in names])
        assert table.columns == [*PAPER_COLUMNS, "AVG", "Alpha", "Zebra"]

    def test_are_the_others_alone_if_none_has(self) -> None:
        assert build_table([cell("Zebra"), cell("Alpha")]).columns == ["Alpha", "Zebra"]

    def test_may_be_chosen(self) -> None:
        cells = [cell("MathVision"), cell("WeMath")]
        assert build_table(cells, ["WeMath", "MathVision"]).columns == ["WeMath", "MathVision"]

    def test_that_have_no_score_are_refused_with_those_that_have(self) -> None:
        with pytest.raises(UnknownNameError, match=r"no column 'MathVsion'\. The nearest: MathVis"):
            build_table([cell()], ["MathVsion"])
        with pytest.raises(UnknownNameError, match=r"There are: .*WeMath, Zebra, AVG\."):
            build_table([cell("Zebra")], ["Giraffe"])


class TestAverage:
    def complete(self, reasoner: str | None = "R", correct: int = 40) -> list[Cell]:
        return [
            cell(name, reasoner=reasoner, correct=correct + number)
            for number, name in enumerate(PAPER_COLUMNS)
        ]

    def test_is_the_plain_mean_of_the_seven(self) -> None:
        entry = only(self.complete()).entries["AVG"]
        assert entry.value == pytest.approx(43.0)
        assert entry.interval is not None and entry.interval[0] < 43 < entry.interval[1]

    def test_is_not_given_while_one_is_missing(self) -> None:
        assert "AVG" not in only(self.complete()[1:]).entries

    def test_is_not_given_while_one_is_partial(self) -> None:
        cells = [*self.complete()[1:], cell("MathVista_MINI", reasoner="R", samples=90)]
        assert "AVG" not in only(cells).entries

    def test_of_another_selection_says_of_how_many_it_is(self) -> None:
        table = build_table(self.complete(), ["MathVision", "LogicVista", "AVG"])
        assert table.rows[0].entries["AVG"].value == pytest.approx((41 + 46) / 2)
        assert [column.title for column in board(table).sheets[0].columns] == [
            "MathVision",
            "LogicVista",
            "AVG of 2",
        ]

    def test_alone_is_that_of_the_seven(self) -> None:
        table = build_table(self.complete(), ["AVG"])
        assert table.rows[0].entries["AVG"].value == pytest.approx(43.0)
        assert board(table).sheets[0].columns[0].title == "AVG"

    def test_has_a_difference_to_the_base_rows(self) -> None:
        row = only([*self.complete(), *self.complete(None, 30)])
        assert row.entries["AVG"].difference == pytest.approx(10.0)


class TestDifferences:
    def of(self, *cells: Cell) -> float | None:
        return only(list(cells)).entries["MathVision"].difference

    def test_are_against_the_mllms_own_row(self) -> None:
        assert self.of(cell(correct=40), cell(reasoner="R", correct=47)) == pytest.approx(7.0)

    def test_take_the_tentative_answers_that_were_read(self) -> None:
        found = self.of(
            cell(correct=40, settings_hash="b1"),
            cell(correct=45, settings_hash="b2"),
            cell(reasoner="R", correct=47, base="b2"),
        )
        assert found == pytest.approx(2.0)

    def test_are_not_guessed_between_several(self) -> None:
        bases = [cell(correct=40, settings_hash="b1"), cell(correct=45, settings_hash="b2")]
        assert self.of(*bases, cell(reasoner="R", correct=47)) is None

    def test_are_not_taken_across_scoring_profiles(self) -> None:
        assert self.of(cell(profile="vlmevalkit"), cell(reasoner="R")) is None

    def test_need_the_same_samples_not_just_as_many(self) -> None:
        other = cell(samples=50, correct=20)
        other.score.units = {f"x{name}": value for name, value in other.score.units.items()}
        assert self.of(other, cell(reasoner="R", samples=50)) is None
        assert self.of(cell(samples=50), cell(reasoner="R", samples=40)) is None

    def test_need_a_base_row(self) -> None:
        assert self.of(cell(reasoner="R")) is None


class TestBest:
    def marked(self, *cells: Cell) -> list[str]:
        table = build_table(list(cells))
        return [row.label for row in table.rows if row.entries["MathVision"].best]

    def test_is_the_highest_of_its_block(self) -> None:
        assert self.marked(
            cell(correct=40), cell(reasoner="R", correct=50), cell(reasoner="S", correct=45),
            cell(mllm="N", correct=80), cell(mllm="N", reasoner="T", correct=70),
        ) == ["+ R", "N"]  # fmt: skip

    def test_is_shared_by_what_reads_the_same(self) -> None:
        cells = [cell(reasoner=name, correct=200, samples=401, expected=401) for name in "RS"]
        assert self.marked(*cells) == ["+ R", "+ S"]

    def test_is_never_a_partial_score_nor_one_by_another_profile(self) -> None:
        assert self.marked(
            cell(correct=40), cell(reasoner="R", correct=45),
            cell(reasoner="S", correct=50, samples=60),
            cell(reasoner="T", correct=60, profile="vlmevalkit"),
        ) == ["+ R"]  # fmt: skip

    def test_needs_something_to_be_better_than(self) -> None:
        assert self.marked(cell()) == []


class TestIntervals:
    def test_of_an_accuracy_are_wilsons(self) -> None:
        entry = only([cell(reasoner="R", correct=38)]).entries["MathVision"]
        assert entry.interval == pytest.approx((29.09, 47.79), abs=0.02)

    def test_of_several_answers_per_sample_are_resampled_by_sample(self) -> None:
        several = cell(reasoner="R")
        several.score.units = {str(number): (number % 5) / 4 for number in range(100)}
        entry = only([several]).entries["MathVision"]
        assert entry.interval == pytest.approx((43.0, 57.0), abs=0.6)

    def test_of_groups_are_resampled_by_group(self) -> None:
        """DynaMath's 5010 rows are 501 seeds: the interval is that of 501."""
        score = Score(
            metric="worst-case accuracy",
            value=100 * 130 / 501,
            whole=Part(2600, 5010),
            samples=5010,
            expected=5010,
            statuses=Counter(correct=2600),
            units={str(seed): float(seed < 130) for seed in range(501)},
        )
        made = cell("DynaMath", reasoner="R")
        entry = only([Cell(**{**fields(made), "score": score})]).entries["DynaMath"]
        assert entry.interval == pytest.approx((22.2, 29.9), abs=0.4)


def test_a_benchmarks_other_metrics_are_a_breakdown_of_their_own() -> None:
    made = cell("WeMath", reasoner="R", correct=31)
    made.score.metric = "score (strict)"
    made.score.further = {"score (loose)": 44.0, "RM (strict)": None}
    (sheet,) = breakdown(build_table([made, cell()]), ["metrics"]).sheets
    assert sheet.title == "WeMath by metrics"
    assert [column.title for column in sheet.columns] == [
        "score (strict)",
        "score (loose)",
        "RM (strict)",
    ]
    assert [field.text for field in sheet.lines[-1].fields] == ["31.0", "44.0", "-"]


def fields(made: Cell) -> dict[str, object]:
    return {name: getattr(made, name) for name in Cell.__slots__}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("names", "size"),
    [
        (("Qwen2.5-VL-7B", "R1-7B"), 8.3 + 7.6),
        (("Qwen2.5-VL-7B-Instruct", None), 8.3),
        (("InternVL3-14B-MPO",), 14.0),
        (("my-1.5b-captioner", "R1-7B"), 1.5 + 7.6),
        (("Claude-3.7-Sonnet",), None),
        (("Qwen2.5-VL-7B", "unknown"), None),
        ((None,), None),
    ],
)
def test_sizes_come_from_the_list_of_models_or_from_the_name(
    names: tuple[str | None, ...], size: float | None
) -> None:
    assert billion_parameters(*names) == pytest.approx(size)
