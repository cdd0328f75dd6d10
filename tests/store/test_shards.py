"""A run in shards, merged, is the run in one piece."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from racro_eval.cli import main
from racro_eval.store.shards import Shard
from tests.support.benchmarks import make_json_benchmark
from tests.support.results import only, read_csv, read_json, stage_files, timeless

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A benchmark of 11 rows, one without an image; the working directory is empty."""
    path = make_json_benchmark(tmp_path / "data", 11, without_image=(4,))
    monkeypatch.setenv("RACRO_DATA", str(path.parent))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return path


def go(small: Path, *more: str, results: str = "results") -> int:
    models = ("--mllm", "echo:m", "--reasoner", "echo:r", "--samples", "2")
    return main(["--data", str(small), *models, "--results", results, *more])


def shards(small: Path, of: int, *more: str, results: str = "results") -> None:
    for number in range(1, of + 1):
        assert go(small, "--shard", f"{number}/{of}", *more, results=results) == 0


def settings(results: str, stem: str) -> dict[str, object]:
    sidecar = read_json(only(Path(results), stem))
    return {name: value for name, value in sidecar.items() if name != "runs"}


@pytest.mark.parametrize(
    ("text", "number", "count"),
    [("1/1", 1, 1), ("1/4", 1, 4), ("4/4", 4, 4), ("01/04", 1, 4), ("1/999999999", 1, 999_999_999)],
)
def test_a_shard_is_read_from_its_notation(text: str, number: int, count: int) -> None:
    shard = Shard.parse(text)
    assert (shard.number, shard.count, str(shard)) == (number, count, f"{number}/{count}")


@pytest.mark.parametrize(
    "text",
    ["", "/", "1", "1/", "/1", "0/1", "0/0", "2/1", "1/1/1", "a/b", "1/4 ", " 1/4", "-1/4", "1/4\n",
     "1/1000000000", "1000000000/1000000000", "1/\u0664", "1.0/4"],
)  # fmt: skip
def test_another_notation_is_an_error_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="a shard is i/N with i from 1 to N, as in 1/4, not "):
        Shard.parse(text)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 11, 12])
def test_shards_take_each_row_once(count: int) -> None:
    rows = [str(row) for row in range(11)]
    parts = [Shard(number, count).select(rows) for number in range(1, count + 1)]
    assert sorted(row for part in parts for row in part) == sorted(rows)
    assert all(part == rows[number::count] for number, part in enumerate(parts))


def test_a_shard_and_its_file_name_each_other() -> None:
    merged = Path("folder") / "qcap+sol-1a2b3c4d.csv"
    path = merged.with_name(Shard(12, 34).file_name(merged.name))
    assert path.name == "qcap+sol-1a2b3c4d.shard-12-of-34.csv"
    assert Shard.from_path(path) == (Shard(12, 34), merged)


@pytest.mark.parametrize(
    "name",
    [
        "qcap+sol-1a2b3c4d.csv",
        "qcap+sol-1a2b3c4.shard-1-of-2.csv",  # no key
        "qcap+sol-1a2b3c4d5.shard-1-of-2.csv",
        "qcap+sol-1A2B3C4D.shard-1-of-2.csv",
        "-1a2b3c4d.shard-1-of-2.csv",  # no stage
        "qcap+sol-1a2b3c4d.shard-1-of-2.graded.csv",
        "qcap+sol-1a2b3c4d.shard-1-of-.csv",
        "qcap+sol-1a2b3c4d.shard--of-2.csv",
        "qcap+sol-1a2b3c4d_shard-1-of-2.csv",
        "qcap+sol-1a2b3c4d.shard-1-of-2_csv",
    ],
)
def test_other_files_are_no_shards(name: str) -> None:
    assert Shard.from_path(Path(name)) is None


@pytest.mark.parametrize("of", [1, 2, 4, 30], ids="{} shards".format)
def test_merged_shards_equal_a_single_run(small: Path, of: int) -> None:
    assert go(small, results="single") == 0
    shards(small, of)
    assert main(["merge"]) == 0
    assert go(small) == 0
    assert timeless(Path("results")) == timeless(Path("single"))
    for stem in ("caption", "tentative", "qcap+sol"):
        assert settings("results", stem) == settings("single", stem)
        runs = read_json(only(Path("results"), stem))["runs"]
        assert {run["shard"] for run in runs} == {f"{n}/{of}" for n in range(1, of + 1)}
        assert sum(run["new"] for run in runs) == len(read_csv(only(Path("results"), stem)))
    leftovers = [path.name for path in Path("results").rglob("*shard*")]
    assert leftovers == [], "what was merged is removed, locks included"


def test_each_row_is_in_one_shard_and_stays_there(small: Path) -> None:
    shards(small, 3)
    captions = sorted(Path("results").rglob("caption-*.shard-*.csv"))
    wanted = [[row["index"] for row in read_csv(path)] for path in captions]
    # row 4 has no image and so no caption; it still takes its turn
    assert wanted == [["1", "7", "10"], ["2", "5", "8", "11"], ["3", "6", "9"]]
    before = {path: path.read_bytes() for path in captions}
    shards(small, 3)
    assert {path: path.read_bytes() for path in captions} == before


def test_shards_write_no_verdicts_and_say_what_comes_next(small: Path, capsys: Capture) -> None:
    assert go(small, "--shard", "2/3") == 0
    out = capsys.readouterr()
    assert out.out == ""
    assert "Shard 2/3 is done. When all are, `racro-eval merge` joins them" in out.err
    assert not list(Path("results").rglob("*.graded.csv"))


def test_after_a_merge_nothing_is_computed_again_by_a_run_or_a_shard(
    small: Path, capsys: Capture
) -> None:
    shards(small, 2)
    assert main(["merge"]) == 0
    capsys.readouterr()
    assert go(small) == 0
    shards(small, 4)
    assert "rows, 22 cached" in capsys.readouterr().err
    assert [len(read_csv(path)) for path in stage_files(Path("results")) if "shard" in path.name]
    assert sum(len(read_csv(p)) for p in Path("results").rglob("*.shard-*.csv")) == 0


def test_a_new_reasoner_in_shards_reads_merged_captions(small: Path) -> None:
    shards(small, 2)
    assert main(["merge"]) == 0
    captions = only(Path("results"), "caption").read_bytes()
    shards(small, 2, "--reasoner", "echo:other")
    assert main(["merge"]) == 0
    assert only(Path("results"), "caption").read_bytes() == captions
    rows = read_csv(next(Path("results/Small/m/other").glob("qcap+sol-????????.csv")))
    assert len(rows) == 22
    assert all(row["error"] == "" for row in rows)


def test_a_missing_shard_is_named_and_nothing_changes(small: Path, capsys: Capture) -> None:
    assert go(small, "--shard", "1/3") == 0
    before = {path: path.read_bytes() for path in Path("results").rglob("*.csv")}
    capsys.readouterr()
    assert main(["merge"]) == 3
    out = capsys.readouterr()
    assert "lacks the shards 2/3, 3/3: run them, then merge again." in out.err
    assert out.out == ""
    assert {path: path.read_bytes() for path in Path("results").rglob("*.csv")} == before


def test_missing_rows_are_named(small: Path, capsys: Capture) -> None:
    shards(small, 2)
    path = next(Path("results").rglob("caption-*.shard-2-of-2.csv"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], *lines[2:]]))  # row 2, the first of its shard
    capsys.readouterr()
    assert main(["merge"]) == 3
    assert "lacks 1 rows: 2. Run it again" in capsys.readouterr().err
    assert go(small, "--shard", "2/2") == 0
    assert main(["merge"]) == 0, "the files that were merged before do not stand in the way"


def test_a_shard_that_was_killed_is_to_be_run_again(small: Path, capsys: Capture) -> None:
    shards(small, 2)
    path = next(Path("results").rglob("caption-*.shard-1-of-2.json"))
    content = json.loads(path.read_text())
    del content["shard"]
    path.write_text(json.dumps({**content, "process": {"pid": 1, "host": "there"}}))
    assert main(["merge"]) == 3
    assert "Shard 1/2 of" in (complaint := capsys.readouterr().err)
    assert "was not finished: run it again" in complaint


def test_failed_rows_are_merged_and_named_and_a_plain_run_tries_them_again(
    small: Path, capsys: Capture
) -> None:
    image = small.parent / "small" / "images" / "3.png"
    whole = image.read_bytes()
    image.write_bytes(b"no image")
    for number in (1, 2):
        assert go(small, "--shard", f"{number}/2") == (1 if number == 1 else 0)
    capsys.readouterr()
    assert main(["merge"]) == 1
    assert "1 of them failed: 3" in capsys.readouterr().err
    image.write_bytes(whole)
    assert go(small) == 0
    assert go(small, results="single") == 0
    assert timeless(Path("results")) == timeless(Path("single"))


def test_shards_of_different_settings_are_refused(small: Path, capsys: Capture) -> None:
    assert go(small, "--shard", "1/2", "--seed", "1") == 0
    assert go(small, "--shard", "2/2", "--seed", "2") == 0
    capsys.readouterr()
    assert main(["merge"]) == 2
    assert "were run with different sampling." in capsys.readouterr().err


def test_shards_of_different_counts_are_rejected(small: Path, capsys: Capture) -> None:
    assert go(small, "--shard", "1/2") == 0
    assert go(small, "--shard", "2/3") == 0
    assert main(["merge"]) == 2
    assert "into 2 and into 3 shards" in capsys.readouterr().err


def test_a_folder_without_shards_is_an_error(small: Path, capsys: Capture) -> None:
    assert main(["merge"]) == 3
    assert capsys.readouterr().err == (
        "racro-eval: There are no shards under results; `--shard 1/4` writes some.\n"
    )


@pytest.mark.parametrize("text", ["0/4", "5/4", "x/y", "1", "1/0", "-1/4", "1/4/2", "", "１/4"])
def test_a_shard_that_makes_no_sense_is_refused(small: Path, text: str, capsys: Capture) -> None:
    assert go(small, f"--shard={text}") == 2
    assert capsys.readouterr().err == (
        "racro-eval: The command line: shard: a shard is i/N with i from 1 to N, as in 1/4, not "
        f"{text!r}.\n"
    )


def test_a_shard_takes_every_nth_row() -> None:
    assert Shard.parse("2/3").select(range(8)) == range(1, 8, 3)
    assert sorted(i for n in range(1, 4) for i in Shard(n, 3).select(range(8))) == list(range(8))


def test_merging_imports_nothing_heavy(small: Path) -> None:
    shards(small, 2)
    code = (
        "import sys; from racro_eval.cli import main; code = main(['merge'])\n"
        "heavy = {'torch', 'vllm', 'pandas', 'sympy', 'numpy', 'datasets'} & set(sys.modules)\n"
        "sys.exit(code or bool(heavy))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
