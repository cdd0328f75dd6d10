"""`racro-eval data`: what is fetched, what is found wrong, and the exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from racro_eval.cli import main
from tests.support.benchmarks import make_json_benchmark, picture

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The YAML of a benchmark of six rows; the data root is its folder."""
    monkeypatch.setenv("RACRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RACRO_DATA", raising=False)
    return make_json_benchmark(tmp_path / "data", 6)


def verify(small: Path, *names: str) -> int:
    return main(["data", "verify", *(names or [str(small)]), "--data-root", str(small.parent)])


def picture_of(small: Path, number: int) -> Path:
    return small.parent / "small" / "images" / f"{number}.png"


def test_all_in_order(small: Path, capsys: Capture) -> None:
    assert verify(small) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Small: in order (small/rows.jsonl)",
        "  6 rows, 6 images",
    ]


def test_missing_images_are_named(small: Path, capsys: Capture) -> None:
    for number in range(1, 7):
        picture_of(small, number).unlink()
    assert verify(small) == 3
    out = capsys.readouterr().out
    assert "Small: not in order" in out
    assert "6 images missing:" in out
    assert "1.png cannot be read" in out
    assert "    and 1 more" in out


def test_undecodable_images_are_named(small: Path, capsys: Capture) -> None:
    picture_of(small, 2).write_bytes(b"\x89PNG\r\n\x1a\n")
    picture_of(small, 3).unlink()
    assert verify(small) == 2, "wrong content outweighs what is only missing"
    out = capsys.readouterr().out
    assert "1 images cannot be decoded:" in out
    assert "2.png cannot be decoded" in out


def test_a_wrong_number_of_rows(small: Path, capsys: Capture) -> None:
    small.write_text(small.read_text().replace("rows: 6", "rows: 7"))
    assert verify(small) == 2
    assert "6 rows, 7 expected, 6 images" in capsys.readouterr().out


def test_rows_that_are_the_same_to_a_model_are_told_but_are_no_error(
    small: Path, capsys: Capture
) -> None:
    rows = small.parent / "small" / "rows.jsonl"
    rows.write_text(
        rows.read_text().replace("picture 4", "picture 2").replace('"id": "4"', '"id": "x"')
    )
    picture_of(small, 4).write_bytes(picture(2))
    assert verify(small) == 0
    assert "1 groups of rows are the same to a model:\n    2, x\n" in capsys.readouterr().out


def test_a_wrong_hash_and_a_missing_file(small: Path, capsys: Capture) -> None:
    text = small.read_text()
    small.write_text(text.replace("sources:\n- ", f"sources:\n- md5: '{'0' * 32}'\n  "))
    assert verify(small) == 2
    assert f"published file has {'0' * 32}" in capsys.readouterr().out
    assert verify(small, "MathVista_MINI") == 3
    assert "No file of MathVista_MINI is on this machine" in capsys.readouterr().out


def test_the_exit_code_is_the_worst_of_all(small: Path, capsys: Capture) -> None:
    assert verify(small, str(small), "MMStar", "Demo_MINI") == 3
    out = capsys.readouterr().out
    assert "Small: in order" in out and "Demo_MINI: in order (demo, seed" in out


def test_an_unknown_name_is_a_usage_error(small: Path, capsys: Capture) -> None:
    assert verify(small, "MathVsta") == 2
    assert "The nearest: MathVista_MINI" in capsys.readouterr().out


def test_fetch_says_where_it_is(small: Path, capsys: Capture) -> None:
    root = str(small.parent)
    assert main(["data", "fetch", str(small), "Demo", "--data-root", root]) == 0
    out = capsys.readouterr().out
    assert f"small/rows.jsonl in {root}" in out
    assert "Demo: demo, seed" in out
    assert main(["data", "fetch", "WeMath", "--offline"]) == 3
    assert "leave out --offline" in capsys.readouterr().err


def test_show_takes_the_native_question(small: Path, capsys: Capture) -> None:
    small.write_text(small.read_text() + "native: {text: 'Solve: {question} {options}'}\n")
    sample = ["show", "sample", "--data", str(small), "--index", "1"]
    root = ["--data-root", str(small.parent)]
    assert main([*sample, *root, "--question-style", "native"]) == 0
    assert "Solve: How many shapes are in picture 1?" in capsys.readouterr().out
