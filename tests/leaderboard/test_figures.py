"""Figures: what is drawn, always the same bytes, and no need for matplotlib elsewhere."""

from __future__ import annotations

import re
import struct
import sys

import pytest

from racro_eval.errors import ConfigError, MissingError
from racro_eval.leaderboard.columns import PAPER_COLUMNS
from racro_eval.leaderboard.document import Document
from racro_eval.leaderboard.formats.figures import render
from racro_eval.leaderboard.published import published_rows
from racro_eval.leaderboard.table import build_table
from racro_eval.leaderboard.views.board import board
from tests.leaderboard.cells import cell

pytest.importorskip("matplotlib", reason="matplotlib (extra figures) is not installed")


def complete() -> Document:
    cells = [
        cell(name, mllm=mllm, reasoner=reasoner, correct=30 + 5 * number + len(str(reasoner)))
        for mllm in ("Qwen2.5-VL-3B", "Qwen2.5-VL-7B")
        for reasoner in (None, "R1-7B", "R1-32B")
        for number, name in enumerate(PAPER_COLUMNS)
    ]
    return board(build_table(cells, published=published_rows()))


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return render(complete())


def test_each_of_three_figures_is_a_png_and_an_svg(files: dict[str, bytes]) -> None:
    names = ("scaling", "bars", "heatmap")
    assert set(files) == {f"-{name}.{kind}" for name in names for kind in ("png", "svg")}


def test_the_same_results_give_the_same_bytes(files: dict[str, bytes]) -> None:
    assert render(complete()) == files


def test_nothing_in_them_tells_when_or_where_they_were_made(files: dict[str, bytes]) -> None:
    for ending, content in files.items():
        if ending.endswith(".svg"):
            assert b"<dc:date>" not in content
        assert b"matplotlib v" not in content.lower()


def test_text_is_readable_at_half_width(files: dict[str, bytes]) -> None:
    """Names are set in 8 points or more in figures no wider than 7.5 inches, but for heat maps."""
    for ending in ("-scaling.png", "-bars.png"):
        width, _ = struct.unpack(">II", files[ending][16:24])
        assert width <= 7.5 * 160


def drawn(content: bytes) -> str:
    """The texts of an SVG: matplotlib names each above its outlines."""
    return " ".join(re.findall(r"<!-- (.*?) -->", content.decode()))


def test_the_scaling_plot_has_a_line_per_mllm_and_names_the_reasoners(
    files: dict[str, bytes],
) -> None:
    text = drawn(files["-scaling.svg"])
    for name in ("Qwen2.5-VL-3B", "Qwen2.5-VL-7B †", "R1-32B", "InternVL3-78B-MPO", "AVG (%)"):
        assert name in text


def test_the_bars_have_a_panel_per_benchmark(files: dict[str, bytes]) -> None:
    text = drawn(files["-bars.svg"])
    assert all(name in text for name in (*PAPER_COLUMNS.values(), "AVG"))


def test_the_heat_map_distinguishes_ours_and_the_papers(files: dict[str, bytes]) -> None:
    text = drawn(files["-heatmap.svg"])
    assert "alone" in text and "alone †" in text and "R1-Distill-7B †" in text


def test_a_figure_without_numbers_is_not_drawn() -> None:
    found = render(board(build_table([cell("Mine"), cell("Other")])))
    assert set(found) == {"-bars.png", "-bars.svg"}


def test_names_are_no_formulas() -> None:
    render(board(build_table([cell("$\\frac{$", mllm="$x_{", reasoner="a$\x1b")])))


def test_other_views_have_no_figures() -> None:
    with pytest.raises(ConfigError, match="draws the leaderboard itself"):
        render(Document("usage", "", [], []))


def test_the_error_without_matplotlib_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingError, match=r"racro-eval\[figures\]"):
        render(complete())
