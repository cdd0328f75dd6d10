"""Every format of one document: its exact bytes, and what hostile names cannot do in it.

`RACRO_UPDATE_SNAPSHOTS=1 pytest tests/leaderboard/test_formats.py` writes the snapshots again; look
at what has changed before it is committed.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from racro_eval.errors import UnknownNameError
from racro_eval.leaderboard.document import Document
from racro_eval.leaderboard.formats import FORMATS
from racro_eval.leaderboard.formats.terminal import renderables
from racro_eval.leaderboard.published import published_rows
from racro_eval.leaderboard.table import build_table
from racro_eval.leaderboard.views.board import board
from tests.leaderboard.cells import cell

SNAPSHOTS = Path(__file__).parent / "snapshots"
TEXT = [name for name in FORMATS if not FORMATS[name].binary]
HOSTILE = "a|b<script>alert(1)</script> & \\end{document} $x_1^2$ % #~ \x1b[31m 答 [red]é‮"


def document() -> Document:
    """A base row, a win, a loss, a partial and a missing score; the paper's rows of one block."""
    paper = [row for row in published_rows() if row.group == "Qwen2.5-VL-7B"]
    return board(
        build_table(
            [
                cell(mllm="Qwen2.5-VL-7B", correct=40),
                cell(mllm="Qwen2.5-VL-7B", reasoner="R1-7B", correct=47, truncated=3),
                cell(mllm="Qwen2.5-VL-7B", reasoner="Qwen3-8B", correct=39),
                cell(mllm="Qwen2.5-VL-7B", reasoner="S", correct=30, samples=60),
                cell("WeMath", mllm="my_model", reasoner="R1-7B", correct=5, variant="cap"),
            ],
            ["MathVision", "WeMath", "AVG"],
            paper,
        )
    )


def hostile() -> Document:
    cells = [cell(HOSTILE, mllm=HOSTILE), cell(HOSTILE, mllm=HOSTILE, reasoner=HOSTILE)]
    return board(build_table(cells))


def only(form: str, of: Document) -> str:
    (content,) = FORMATS[form].render(of).values()
    return content.decode()


@pytest.mark.parametrize("name", TEXT)
def test_snapshots(name: str) -> None:
    (item,) = FORMATS[name].render(document()).items()
    path = SNAPSHOTS / f"{name}{item[0]}"
    if os.environ.get("RACRO_UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(item[1])
    assert item[1] == path.read_bytes()


def test_every_snapshot_belongs_to_a_format() -> None:
    assert {path.stem for path in SNAPSHOTS.iterdir()} == set(TEXT)


def test_the_error_for_an_unknown_format_lists_all_formats() -> None:
    with pytest.raises(
        UnknownNameError, match=r"The nearest: html.*There are: rich, md, csv, wide"
    ):
        FORMATS["htm"]


def test_the_terminal_shows_score_difference_interval_n_and_truncated_share() -> None:
    text = only("rich", document())
    for part in ("47.0 (+7.0)", "39.0 (-1.0)", "37.5–56.7, 3.0% cut", "50.0*", "60/100, 37.7–62.3"):
        assert part in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_narrow_terminal_gets_the_table_in_parts_with_no_number_broken(width: int) -> None:
    out = io.StringIO()
    console = Console(file=out, width=width)
    for part in renderables(document(), width):
        console.print(part)
    text = out.getvalue()
    assert text.count(" Model ") == (1 if width == 120 else 2 if width == 80 else 3)
    for part in ("47.0 (+7.0)", "37.5–56.7, 3.0% cut", "30.1", "46.3 (+11.9)"):
        assert part in text or width == 40, part


def test_names_cannot_style_the_terminal() -> None:
    out = io.StringIO()
    console = Console(file=out, width=400)
    for part in renderables(hostile()):
        console.print(part)
    assert "[red]" in out.getvalue()
    assert "\x1b" not in out.getvalue()
    assert "\\x1b[31m" in out.getvalue()


def test_the_picture_fetches_nothing() -> None:
    picture = only("svg", document())
    text = "".join(ElementTree.fromstring(picture).itertext()).replace("\xa0", " ")
    assert "47.0" in text and "(+7.0)" in text
    assert "url(" not in picture.replace("url(#", "")


def test_markdown_shows_names_as_they_are() -> None:
    text = only("md", hostile())
    assert "<script>" not in text.replace("\\<script\\>", "")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in rows}) == 1


def test_tidy_csv_has_a_line_per_cell_with_all_that_is_known() -> None:
    rows = list(csv.DictReader(io.StringIO(only("csv", document()))))
    ours = [row for row in rows if row["source"] == "racro-eval"]
    assert len(ours) == 5
    second = next(row for row in ours if row["reasoner"] == "R1-7B")
    assert second["value"] == "47.0000" and second["difference"] == "7.0000"
    assert (second["correct"], second["n"], second["truncated"]) == ("47", "100", "3")
    assert second["key"] == "key" and second["billion_parameters"] == "15.9000"


def test_wide_csv_has_the_shape_of_the_table() -> None:
    rows = list(csv.reader(io.StringIO(only("wide", document()))))
    assert rows[0] == ["Model", "MathVision", "WeMath", "AVG of 2"]
    assert rows[2] == ["with Qwen3-8B", "39.0000", "", ""]


@pytest.mark.parametrize("form", ["csv", "wide"])
@pytest.mark.parametrize("name", ["=1+1", "@x", "-2", "+cmd|x"])
def test_no_field_of_a_csv_is_a_formula(form: str, name: str) -> None:
    content = only(form, board(build_table([cell(mllm=name), cell(mllm=name, reasoner=name)])))
    for row in csv.reader(io.StringIO(content)):
        assert not [field for field in row if re.match(r"[=@+-](?![\d.]+$)", field)], row


def test_json_is_the_records() -> None:
    content = json.loads(only("json", document()))
    assert content["schema"] == 1 and content["view"] == "leaderboard"
    assert len(content["records"]) == len(document().records)
    assert content["notes"] == document().notes


class TestLatex:
    def test_the_best_is_bold_and_differences_are_coloured(self) -> None:
        text = only("tex", document())
        assert r"\textbf{47.0} \racroup{$+7.0$}" in text
        assert r"39.0 \racrodown{$-1.0$}" in text
        assert text.count(r"\toprule") == 1 and "\\textbf{my\\_model}" in text

    @pytest.mark.slow
    @pytest.mark.parametrize("make", [document, hostile])
    def test_it_compiles_as_it_is(self, tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
        program = shutil.which("pdflatex") or shutil.which("tectonic")
        if program is None:
            pytest.skip("neither pdflatex nor tectonic is installed")
        path = tmp_path / "board.tex"
        path.write_text(only("tex", make()), encoding="utf-8")
        more = ["-interaction=nonstopmode", "-halt-on-error"] if "pdflatex" in program else []
        done = subprocess.run(
            [program, *more, path.name], cwd=tmp_path, capture_output=True, timeout=300
        )
        assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]
        assert (tmp_path / "board.pdf").stat().st_size > 5000


class TestHtml:
    def test_it_needs_no_other_file(self) -> None:
        page = only("html", document())
        assert not re.findall(r"(?:src|href)=|url\(|@import|https?://", page)
        assert "default-src 'none'" in page

    def test_names_are_escaped(self) -> None:
        page = only("html", hostile())
        assert "<script>alert" not in page
        assert "a|b&lt;script&gt;alert(1)" in page
        assert "\x1b" not in page

    def test_it_says_what_its_parts_are(self) -> None:
        page = only("html", document())
        assert '<html lang="en">' in page
        assert page.count('scope="col"') == 4 == page.count('aria-sort="none"')
        assert page.count('scope="row"') == page.count("<tr") - 1
        assert page.count("<caption>") == 1

    @pytest.mark.slow
    def test_a_click_sorts_each_block(self, tmp_path: Path) -> None:
        browser = next(
            filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
        )
        if browser is None:
            pytest.skip("no chromium is installed")
        page = only("html", document())
        click = (
            "<script>document.querySelectorAll('th button')[1].click();"
            "document.title = [...document.querySelectorAll('tbody')].map(body => "
            "[...body.rows].map(row => row.cells[0].textContent).join(',')).join(';') + '|' + "
            "document.querySelectorAll('th')[1].getAttribute('aria-sort')</script></body>"
        )
        path = tmp_path / "board.html"
        path.write_text(page.replace("</body>", click), encoding="utf-8")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/u"]
        done = subprocess.run(
            [browser, *flags, "--virtual-time-budget=2000", "--dump-dom", path.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
        )
        (title,) = re.findall(r"<title>(.*?)</title>", done.stdout)
        order, state = title.split("|")
        first = order.split(";")[0].split(",")
        assert state == "descending"
        assert first[:3] == ["+ S", "+ R1-7B", "+ RACRO (R1-Distill-32B) †"]
        assert first[-1] == "Qwen2.5-VL-7B †"
        assert order.split(";")[1] == "my_model,+ R1-7B (cap)", "rows stay in their block"
