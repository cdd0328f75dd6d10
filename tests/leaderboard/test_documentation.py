"""Tables and pictures in the documentation are what racro-eval makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from racro_eval.leaderboard.formats import FORMATS
from racro_eval.leaderboard.table import build_table
from racro_eval.leaderboard.views.board import board
from tests.leaderboard.cells import cell
from tests.leaderboard.mathvision import make_table, markdown
from tests.support.paths import ROOT


def test_the_picture_in_the_readme_shows_the_demos_numbers() -> None:
    """Those that the demo's end-to-end test expects; --format svg draws it."""
    expected = json.loads((ROOT / "tests" / "demo" / "expected.json").read_text())
    cells = [
        cell(
            "Demo",
            mllm="demo-captioner",
            reasoner=reasoner,
            correct=round(4 * expected[row]),
            samples=400,
            expected=400,
        )
        for reasoner, row in (
            (None, "demo-captioner qa"),
            ("demo-reasoner", "demo-reasoner qcap+sol"),
            ("demo-reasoner-weak", "demo-reasoner-weak qcap+sol"),
        )
    ]
    picture = FORMATS["svg"].render(board(build_table(cells)))[".svg"]
    assert picture == (ROOT / "docs" / "images" / "demo-leaderboard.svg").read_bytes()


@pytest.mark.slow
def test_the_leaderboard_of_real_outputs(tmp_path: Path) -> None:
    table = make_table(tmp_path)
    assert markdown(table) in (ROOT / "docs" / "leaderboard.md").read_text()
    figure = FORMATS["figures"].render(board(table))["-bars.svg"]
    assert len(figure) == pytest.approx(
        len((ROOT / "docs" / "images" / "mathvision-bars.svg").read_bytes()), rel=0.2
    )
