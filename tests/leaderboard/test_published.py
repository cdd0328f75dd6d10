"""The paper's table from the file that ships."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from racro_eval.leaderboard.columns import PAPER_COLUMNS
from racro_eval.leaderboard.published import counterpart, published_rows
from racro_eval.leaderboard.table import build_table
from racro_eval.leaderboard.views.board import board
from tests.leaderboard.cells import cell
from tests.support.paths import ROOT, shared_facts

COLUMNS = (*PAPER_COLUMNS, "AVG")


def facts() -> list[dict[str, str]]:
    """The fact sheet where it is at hand, else the shipped file."""
    try:
        path = shared_facts() / "published_results.csv"
    except pytest.skip.Exception:
        path = ROOT / "results" / "published.csv"
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_the_papers_table_cell_by_cell() -> None:
    lines = build_table([], published=published_rows()).rows
    assert len(lines) == len(facts()) == 34
    shown = [line for block in board(build_table([], published=published_rows())).sheets[0].blocks
             for line in block]  # fmt: skip
    for row, line, fact in zip(lines, shown, facts(), strict=True):
        assert line.label.removeprefix("+ ") == f"{fact['model']} †"
        assert [field.text for field in line.fields] == [fact[name] or "-" for name in COLUMNS]
        base = next((one for one in facts() if one["model"] == fact["group"]), None)
        for name, field in zip(COLUMNS, line.fields, strict=True):
            if base is None or base["model"] == fact["model"]:
                assert field.difference is None
            else:
                assert field.difference == pytest.approx(float(fact[name]) - float(base[name]))
        assert (row.reasoner is None) == (base is None or base["model"] == fact["model"])


def test_bold_is_the_best_of_each_block_and_column() -> None:
    document = board(build_table([], published=published_rows()))
    groups = list(dict.fromkeys(fact["group"] for fact in facts()))
    assert len(document.sheets[0].blocks) == len(groups) == 5
    for group, block in zip(groups, document.sheets[0].blocks, strict=True):
        for place, name in enumerate(COLUMNS):
            column = [fact[name] for fact in facts() if fact["group"] == group]
            best = max(float(value) for value in column if value)
            bold = [line.fields[place].best for line in block]
            assert bold == [value != "" and float(value) == best for value in column]


def test_averages_are_the_mean_of_the_seven_to_one_decimal() -> None:
    for row in published_rows():
        if "AVG" in row.values:
            mean = sum(row.values[name] for name in PAPER_COLUMNS) / 7
            assert row.values["AVG"] == pytest.approx(mean, abs=0.0501), row.model


def test_judges_and_source_stand_in_the_file_and_below_the_table() -> None:
    with (ROOT / "results" / "published.csv").open(newline="") as file:
        for line in csv.DictReader(file):
            assert line["source"] == "arXiv 2506.04559v1 Table 1"
            assert line["judge"].startswith("GPT models")
    assert "judged by GPT models" in board(build_table([], published=published_rows())).notes[-1]


@pytest.mark.parametrize(
    ("mllm", "reasoner", "model"),
    [
        ("Qwen2.5-VL-7B", None, "Qwen2.5-VL-7B"),
        ("Qwen2.5-VL-7B-Instruct", None, "Qwen2.5-VL-7B"),
        ("Qwen2.5-VL-72B", None, "Qwen2.5-VL-72B"),
        ("Qwen2.5-VL-7B", "R1-7B", "RACRO (R1-Distill-7B)"),
        ("RACRO-7B-CRO-GRPO", "R1-32B", "RACRO (R1-Distill-32B)"),
        ("RACRO-7B-CRO-GRPO", "DeepSeek-R1-Distill-Qwen-32B", "RACRO (R1-Distill-32B)"),
        ("Qwen2.5-VL-3B", "Qwen3-8B", "RACRO (Qwen3-8B)"),
        ("RACRO-7B-CRO-GRPO", None, None),
        ("RACRO-7B-CRO", "R1-7B", None),
        ("Qwen2.5-VL-7B", "R1-1.5B", None),
        (None, "R1-7B", None),
    ],
)
def test_which_row_of_the_paper_is_a_rows_counterpart(
    mllm: str | None, reasoner: str | None, model: str | None
) -> None:
    found = counterpart(mllm, reasoner)
    assert (found and found.model) == model
    if found and reasoner:
        assert found.group == ("Qwen2.5-VL-3B" if "3B" in str(mllm) else "Qwen2.5-VL-7B")


def test_published_rows_stand_marked_below_ours_and_neither_marks_the_others_best() -> None:
    cells = [cell(mllm="Qwen2.5-VL-7B"), cell(mllm="Qwen2.5-VL-7B", reasoner="R1-7B", correct=20)]
    block = build_table(cells, published=published_rows()).blocks[0]
    assert [row.label for row in block.rows] == [
        "Qwen2.5-VL-7B",
        "+ R1-7B",
        "Qwen2.5-VL-7B †",
        "+ VisualPRM-8B-v1.1 †",
        "+ RACRO (R1-Distill-7B) †",
        "+ RACRO (Qwen3-8B) †",
        "+ RACRO (R1-Distill-32B) †",
    ]
    best = [row.label for row in block.rows if row.entries["MathVision"].best]
    assert best == ["Qwen2.5-VL-7B", "+ RACRO (R1-Distill-32B) †"]


@pytest.mark.slow
def test_the_file_is_in_the_wheel(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(tmp_path)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no wheel can be built here: {done.stderr[-300:]}")
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read("racro_eval/published/published.csv")
        assert content == (ROOT / "results" / "published.csv").read_bytes()
        names = set(archive.namelist())
        modules = {str(path.relative_to(ROOT)) for path in ROOT.glob("racro_eval/**/*.py")}
        by_hand = {name for name in modules if name.startswith("racro_eval/demo/train/")}
        assert modules - by_hand <= names
        assert not by_hand & names  # they made the demo's models; nobody else needs them
        assert "racro_eval/leaderboard/formats/page.html.j2" in names
        assert not [name for name in archive.namelist() if name.startswith("results")]
