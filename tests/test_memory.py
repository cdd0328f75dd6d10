"""Memory does not grow with the number of rows, whatever the file they come from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.benchmarks import base64_picture, make_json_benchmark, make_tsv, write_spec
from tests.support.measured import run_measured


def benchmarks(folder: Path, rows: int) -> list[Path]:
    """The same rows as lines of JSON, as one JSON list and as a TSV with images in it."""
    lines = make_json_benchmark(folder, rows)
    texts = (folder / "small" / "rows.jsonl").read_text().splitlines()
    table = [json.loads(text) for text in texts]
    (folder / "small" / "rows.json").write_text(json.dumps(table))
    source = yaml.safe_load(lines.read_text())["sources"][0]
    listed = {**source, "file": "small/rows.json"}
    cells = [
        {
            "index": row["id"],
            "question": row["question"],
            "answer": row["answer"],
            "image": base64_picture(number),
        }
        for number, row in enumerate(table, start=1)
    ]
    make_tsv(folder / "small.tsv", cells)
    embedded = {"kind": "tsv", "file": "small.tsv"}
    return [
        lines,
        write_spec(folder / "List.yaml", listed, rows, name="List"),
        write_spec(folder / "Tsv.yaml", embedded, rows, name="Tsv"),
    ]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_run_over_many_rows_takes_the_memory_of_one_over_few(tmp_path: Path) -> None:
    runs = []
    for rows in (100, 1700):
        where = tmp_path / str(rows)
        words = ["--data", *map(str, benchmarks(where, rows)), "--data-root", str(where)]
        words += ["--mllm", "echo:m", "--reasoner", "echo:r", "--results", str(where / "results")]
        runs.append(run_measured(*words))
    few, many = runs
    assert many.mib <= 1.1 * few.mib
    assert many.heavy == "none", "the table is made of the scores that the grading has kept"
