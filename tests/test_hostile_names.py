"""Names that somebody could give a model or a benchmark: as folders, in formats, on a terminal."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from racro_eval.cli import main
from racro_eval.engines.model_entry import folder_name
from racro_eval.leaderboard.document import Document
from racro_eval.leaderboard.formats import FORMATS
from racro_eval.leaderboard.table import build_table
from racro_eval.leaderboard.views.board import board
from racro_eval.pipeline.display import Display
from tests.leaderboard.cells import cell
from tests.support.hostile import CELLS, NAMES, STEERING

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def test_the_table_is_large_enough() -> None:
    assert len(NAMES) >= 250


class TestFolders:
    @pytest.mark.parametrize("name", NAMES)
    def test_a_name_is_one_folder_below(self, name: str, tmp_path: Path) -> None:
        folder = folder_name(name)
        assert folder == Path(folder).name and folder not in (".", "..")
        assert not _HIDDEN.search(folder) and not folder.startswith((".", "-"))
        assert folder_name(folder) == folder
        # The longest names that are made of one: of a judge's file, its shard and its copy.
        longest = f".{folder}.judge-{folder}-12345678.shard-100-of-100.csv.1234567.tmp"
        (tmp_path / folder).mkdir()
        (tmp_path / folder / longest).touch()

    def test_long_names_that_differ_at_their_end_differ(self) -> None:
        assert folder_name("a" * 300) != folder_name("a" * 299 + "b")
        assert folder_name("a" * 100) == "a" * 100

    def test_spellings_that_look_the_same_are_the_same(self) -> None:
        assert folder_name("caf\u00e9") == folder_name("cafe\u0301") == "caf\u00e9"


def _document(name: str) -> Document:
    cells = [cell(name, mllm=name), cell(name, mllm=name, reasoner=name, correct=60)]
    return board(build_table(cells))


def _render(form: str, name: str) -> str:
    (content,) = FORMATS[form].render(_document(name)).values()
    return content.decode("utf-8")


@pytest.mark.parametrize("form", [name for name in FORMATS if not FORMATS[name].binary])
def test_no_format_holds_what_steers_or_hides(form: str) -> None:
    for name in NAMES:
        text = _render(form, name)
        found = _HIDDEN.search(text)
        assert found is None, (name, found)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def _counts(pattern: str, text: str) -> list[int]:
    """How often it stands in each line."""
    return [len(re.findall(pattern, line)) for line in text.split("\n")]


def test_a_name_changes_the_shape_of_no_format() -> None:
    """As many tags, columns, lines and fields as with a plain name."""

    def shape(name: str) -> tuple[object, ...]:
        page = _Tags()
        page.feed(_render("html", name))
        ElementTree.fromstring(_render("svg", name))
        table = list(csv.reader(io.StringIO(_render("csv", name), newline="")))
        markdown = _counts(r"(?<!\\)\|", _render("md", name))
        tex = _counts(r"(?<!\\)&", _render("tex", name))
        records = json.loads(_render("json", name))["records"]
        return page.tags, [len(row) for row in table], markdown, tex, len(records)

    plain = shape("plain")
    for name in NAMES:
        # A name that ends in a bracket gets a note of its own; no benchmark is called AVG.
        if name.strip() and not name.endswith("]") and name != "AVG":
            assert shape(name) == plain, name


@pytest.mark.parametrize("form", ["csv", "wide"])
def test_no_cell_of_a_csv_begins_a_formula(form: str) -> None:
    """Not even if a reader drops blanks and quotes, or splits a cell at a carriage return."""
    for text in (f"{before}{one}" for one in CELLS for before in ("", "x\r", "x\n")):
        content = _render(form, text)
        assert "\r" not in content
        for row in csv.reader(io.StringIO(content, newline="")):
            for value in row:
                if re.fullmatch(r"-?\d+(\.\d+)?", value):
                    continue  # a number stays a number
                bare = re.sub(r"^(\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\s|[\"])+", "", value)
                assert not bare.startswith(("=", "+", "-", "@", "\uff1d")), (text, value)
                assert "\n" not in value


def test_numbers_of_a_csv_stay_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(_render("csv", "m"))))
    assert float(rows[0]["value"]) == 50.0


def test_a_tex_line_does_not_begin_with_an_argument() -> None:
    for name in ("[5cm]", "*", "*[5cm]"):
        text = _render("tex", name)
        assert not re.search(r"\\\\\s*\n?\s*(\\midrule)?\s*[\[*]", text.replace("\\\\[4pt]", ""))


class TestTerminal:
    @pytest.mark.parametrize("odd", STEERING.values(), ids=STEERING)
    def test_a_line_of_progress(self, odd: str) -> None:
        from rich.console import Console

        out = io.StringIO()
        Display(Console(file=out, width=500)).log(f"model m{odd}[red]n[/red] :skull:")
        assert out.getvalue().startswith("model m")
        assert out.getvalue().endswith("[red]n[/red] :skull:\n")
        assert odd not in out.getvalue()

    @pytest.mark.parametrize(
        "command",
        [
            ["show", "sample", "--index", "1", "--data"],
            ["data", "verify"],
            ["data", "fetch", "--offline"],
            ["run", "--data", "Demo_MINI", "--variant", "qa", "--mllm"],
            ["run", "--data", "Demo_MINI", "--prompts"],
            ["run", "--limit"],
            ["grade", "--data", "Demo_MINI", "--predictions"],
            ["leaderboard", "--results"],
            ["leaderboard", "--format"],
            ["merge", "--results"],
        ],
        ids=" ".join,
    )
    def test_an_error_names_a_hostile_name_safely(
        self,
        command: list[str],
        tmp_path: Path,
        capfd: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        name = "m\x1b[31m\u202e\u2028\x9b\x07n"
        try:
            code = main([*command, name])
        except SystemExit as error:  # argparse's own way to end
            code = int(str(error.code))
        shown = capfd.readouterr()
        assert code in (2, 3)
        assert "m\\x1b[31m\\u202e\\u2028\\x9b\\x07n" in shown.out + shown.err
        assert not _HIDDEN.search(shown.out + shown.err)
