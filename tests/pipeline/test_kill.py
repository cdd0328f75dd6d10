"""SIGKILL at a random moment, twenty times: nothing finished is lost, nothing is done twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from racro_eval.store.columns import CALL_COLUMNS, REASONING_COLUMNS
from racro_eval.store.row_table import RowTable
from tests.support.benchmarks import make_json_benchmark
from tests.support.results import read_csv, read_json, stage_files, timeless
from tests.support.waiting import ends, wait_for

KILLS = 20
ROWS = 40


def sweep(folder: Path, results: Path, latency_s: float) -> list[str]:
    """The command line of a run whose echo engine takes its time."""
    models = [
        {"name": name, "model": name, "engine": "echo", "options": {"latency_s": latency_s}}
        for name in ("captioner", "reasoner")
    ]
    config = {
        "data": [str(folder / "Small.yaml")],
        "data_root": str(folder),
        "mllm": "captioner",
        "reasoner": "reasoner",
        "results": str(results),
        "models": models,
    }
    path = folder / f"{results.name}.yaml"
    path.write_text(yaml.safe_dump(config))
    return [sys.executable, "-m", "racro_eval", "--config", str(path)]


def finished_rows(results: Path) -> dict[tuple[str, str], dict[str, str]]:
    """(file, index) → row of every whole row on disk."""
    rows = {}
    for path in stage_files(results):
        columns = REASONING_COLUMNS if path.name.startswith("qcap") else CALL_COLUMNS
        with RowTable(path, columns) as table:
            rows.update({(path.name, row["index"]): row for row in table.rows()})
    return rows


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    make_json_benchmark(tmp_path, ROWS)
    whole = tmp_path / "whole"
    subprocess.run(sweep(tmp_path, whole, 0), check=True, capture_output=True)

    moments = random.Random(20260101)
    results, command = tmp_path / "killed", sweep(tmp_path, tmp_path / "killed", 0.012)
    kills = 0
    while kills < KILLS:
        before = finished_rows(results)
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        time.sleep(moments.uniform(0.2, 1.6))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.communicate()
        after = finished_rows(results)
        kept = {key: after.get(key) for key in before}
        assert kept == before, "a finished row was lost or asked for again"
        if len(after) == 3 * ROWS and process.returncode == 0:
            assert timeless(results) == timeless(whole)
            shutil.rmtree(results)
    subprocess.run(sweep(tmp_path, results, 0), check=True, capture_output=True)
    assert timeless(results) == timeless(whole)
    for path in stage_files(results):
        assert "process" not in read_json(path), "no finished file says that it is being written"


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so_and_exits_with_130(tmp_path: Path, stop: int) -> None:
    make_json_benchmark(tmp_path, ROWS)
    results = tmp_path / "results"
    process = subprocess.Popen(
        sweep(tmp_path, results, 0.05), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: len(finished_rows(results)) >= 5, process)
    process.send_signal(stop)
    complaints = ends(process)
    assert process.returncode == 130
    assert complaints.splitlines()[-1] == (
        "racro-eval: Interrupted. All finished rows are on disk; the same command continues from "
        "them."
    )
    (captions,) = [path for path in stage_files(results) if path.name.startswith("caption")]
    assert "process" not in read_json(captions)
    assert read_json(captions)["runs"][0]["new"] == len(read_csv(captions))
