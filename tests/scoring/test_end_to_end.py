"""A benchmark of one's own with a known scorer and metric: a YAML, and no code."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml

from racro_eval.cli import main

Capture = pytest.CaptureFixture[str]
KINDS = {"float": ("2.0944", "\\boxed{2.095}"), "multiple choice": ("F", "\\boxed{F}")}


@pytest.fixture
def benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two seeds with ten variants each: seed 1 asks for a number, seed 2 for a letter."""
    rows = [
        {
            "id": f"{seed}-{variant}",
            "question": "?",
            "answer": KINDS[kind][0],
            "image": "",
            "answer_type": kind,
            "seed": seed,
            "variant": variant,
            "level": "high school",
        }
        for seed, kind in enumerate(KINDS, start=1)
        for variant in range(1, 11)
    ]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    meta = {name: name for name in ("seed", "variant", "level", "answer_type")}
    source = {"kind": "json", "file": "rows.json", "images": "", "meta": meta}
    source["fields"] = {"index": "id"}
    spec = {
        "name": "Mine",
        "title": "Mine",
        "description": "made by a test",
        "paper": "none",
        "homepage": "none",
        "licence": "none",
        "rows": 20,
        "sources": [source],
        "question": "plain",
        "answer_rule": {
            "by": "answer_type",
            "rules": {"float": "float:tol=0.001", "multiple choice": "choice"},
        },
        "scorer": "dynamath",
        "metric": "dynamath",
        "breakdowns": ["level"],
    }
    path = tmp_path / "Mine.yaml"
    path.write_text(yaml.safe_dump(spec))
    monkeypatch.setenv("RACRO_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return path


def predictions(*, without: str = "", wrong: str = "") -> str:
    """A response for each row; correct ones but for the row `wrong`."""
    with Path("p.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(("index", "prediction"))
        for seed, (_, response) in enumerate(KINDS.values(), start=1):
            for variant in range(1, 11):
                index = f"{seed}-{variant}"
                if index != without:
                    out.writerow((index, "\\boxed{7}" if index == wrong else response))
    return "p.csv"


def test_all_metrics_are_printed(benchmark: Path, capsys: Capture) -> None:
    file = predictions(wrong="2-3")
    assert main(["grade", "--data", str(benchmark), "--predictions", file]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Mine worst-case accuracy 50.0 average 95.0 reasoning robustness 52.6" in out
    assert "level high school 95.0 19 20" in out
    assert "level (worst case) high school 50.0 1 2" in out
    assert "Graded by: official. Rows by status: correct 19, unparsed 1." in out


def test_a_refused_headline_says_why(benchmark: Path, capsys: Capture) -> None:
    file = predictions(without="2-3")
    assert main(["grade", "--data", str(benchmark), "--predictions", file, "--out", "v.csv"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Mine worst-case accuracy - average 100.0 reasoning robustness -" in out
    assert "No worst-case accuracy: 1 of 2 seeds lack rows (3 in 1; seed '2', say)." in out
    assert "Partial: 19 of 20 samples." in out
    with Path("v.csv").open(newline="") as file_:
        row = next(csv.DictReader(file_))
    assert (row["seed"], row["variant"], row["level"]) == ("1", "1", "high school")


def test_the_released_code_grades_otherwise(benchmark: Path, capsys: Capture) -> None:
    command = ["grade", "--data", str(benchmark), "--predictions", predictions()]
    assert main([*command, "--scoring", "vlmevalkit"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Graded by: vlmevalkit. Rows by status: unparsed 20." in out


def test_a_run_scores_with_the_metric(benchmark: Path, capsys: Capture) -> None:
    arguments = ["--data", str(benchmark), "--mllm", "echo:m", "--variant", "qa", "--samples", "2"]
    assert main([*arguments, "--results", "r"]) == 0
    graded = list(Path("r").rglob("*.graded.csv"))
    assert len(graded) == 1
    with graded[0].open(newline="") as file:
        assert {"seed", "variant"} <= set(csv.DictReader(file).fieldnames or ())


def test_a_metric_without_its_columns_is_refused_before_any_model_is_asked(
    benchmark: Path, capsys: Capture
) -> None:
    spec = yaml.safe_load(benchmark.read_text())
    del spec["sources"][0]["meta"]["seed"]
    benchmark.write_text(yaml.safe_dump(spec))
    assert main(["--data", str(benchmark), "--mllm", "echo:m", "--variant", "qa"]) == 2
    assert "needs the meta column 'seed', which no source has" in capsys.readouterr().err
    assert not Path("results").exists()
