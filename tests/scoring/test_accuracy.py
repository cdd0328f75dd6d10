"""Accuracy from verdicts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from racro_eval.data.spec import Headline, load_spec
from racro_eval.errors import CacheError, ConfigError
from racro_eval.leaderboard.collect import collect
from racro_eval.scoring.metrics.registry import score
from racro_eval.stages.graded_file import GRADED_COLUMNS, graded_path, read_graded

SPEC = load_spec("MathVision_MINI").model_copy(update={"rows": 3})


def verdict(index: str, correct: bool, subject: str = "logic", **more: str) -> dict[str, str]:
    status = "correct" if correct else "incorrect"
    row = {"index": index, "status": status, "correct": "01"[correct], "subject": subject}
    return {**row, "level": "1", **more}


def test_the_value_is_the_share_of_correct_rows() -> None:
    rows = [verdict("1", True), verdict("2", False, "algebra"), verdict("3", True, "algebra")]
    result = score(rows, SPEC)
    assert result.value == pytest.approx(200 / 3)
    assert not result.partial
    parts = result.breakdowns["subject"]
    assert {name: (part.correct, part.rows) for name, part in parts.items()} == {
        "logic": (1, 1),
        "algebra": (1, 2),
    }


def test_missing_samples_make_a_score_partial() -> None:
    result = score([verdict("1", True)], SPEC)
    assert result.partial
    assert (result.samples, result.expected) == (1, 3)


def test_several_answers_of_a_sample_are_averaged() -> None:
    rows = [verdict("1", True), verdict("1", False), verdict("2", True), verdict("2", True)]
    result = score(rows, SPEC)
    assert (result.value, result.samples) == (75.0, 2)


def test_the_headline_may_count_some_rows_only() -> None:
    spec = SPEC.model_copy(update={"headline": Headline(where={"subject": "logic"}, rows=2)})
    rows = [verdict("1", True), verdict("2", False), verdict("3", False, "algebra")]
    result = score(rows, spec)
    assert (result.value, result.samples, result.expected) == (50.0, 2, 2)
    assert result.statuses.total() == 2


def test_a_row_with_several_labels_counts_for_each() -> None:
    spec = SPEC.model_copy(update={"multi_label": ("subject",)})
    rows = [verdict("1", True, '["logic", "algebra"]'), verdict("2", False, '["logic"]')]
    parts = score(rows, spec).breakdowns["subject"]
    assert {name: (part.correct, part.rows) for name, part in parts.items()} == {
        "logic": (1, 2),
        "algebra": (1, 1),
    }


def test_the_value_is_the_mean_of_its_units() -> None:
    rows = [verdict("1", True), verdict("1", False), verdict("2", True), verdict("2", True)]
    assert score(rows, SPEC).units == {"1": 0.5, "2": 1.0}


def test_shares_of_statuses() -> None:
    rows = [verdict("1", True), verdict("2", False, status="truncated")]
    assert score(rows, SPEC).share("truncated") == 50.0


def test_no_rows_have_no_value() -> None:
    result = score([], SPEC)
    assert result.value is None
    assert result.share("truncated") == 0.0


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(ConfigError, match="asks for the metric 'magic'; known: accuracy"):
        score([], SPEC.model_copy(update={"metric": "magic"}))


def test_the_graded_file_stands_beside_its_stage_file() -> None:
    assert graded_path(Path("a/qcap+sol-12.csv")) == Path("a/qcap+sol-12.graded.csv")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "has no column"),
        ("index,sample\n", "has no column"),
        (
            "index,sample,prediction,extracted,method,answer,status,correct\n1,0\n",
            "the number of fields is wrong",
        ),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_graded_file_edited_into_nonsense_says_what_to_do(
    tmp_path: Path, content: str | bytes, sentence: str
) -> None:
    path = tmp_path / "x.graded.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CacheError, match=rf"{sentence}.*the next run grades again"):
        list(read_graded(path))


def test_a_graded_file_without_a_sidecar_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "x.graded.csv"
    path.write_text(",".join(GRADED_COLUMNS) + "\n", encoding="utf-8")
    with pytest.raises(CacheError, match="has no sidecar"):
        collect([path])


def test_a_response_of_any_size_is_read(tmp_path: Path) -> None:
    """In a process of its own: another module's reader may have raised csv's limit here."""
    path = tmp_path / "x.graded.csv"
    cells = ("1", "0", "x" * 200_000, "", "", "", "empty", "0")
    lines = [",".join(GRADED_COLUMNS), ",".join(cells)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    code = (
        "import sys; from pathlib import Path\n"
        "from racro_eval.stages.graded_file import read_graded\n"
        "print(sum(len(row['prediction']) for row in read_graded(Path(sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "200000\n"
