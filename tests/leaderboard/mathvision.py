"""A leaderboard of real model outputs on MathVision, for the documentation.

    python -m tests.leaderboard.mathvision docs/images/mathvision

prints the Markdown that docs/leaderboard.md shows and writes its figures. The outputs are published
ones of two models that answered by themselves; their rows stay where they are.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from racro_eval.data import Benchmark, load_benchmark
from racro_eval.leaderboard.collect import collect, find_graded
from racro_eval.leaderboard.formats import FORMATS
from racro_eval.leaderboard.table import Table, build_table
from racro_eval.leaderboard.views.board import board
from racro_eval.leaderboard.views.breakdown import breakdown
from racro_eval.leaderboard.views.paired import paired
from racro_eval.stages.grade import grade_rows, write_graded
from racro_eval.store.sidecar import write_sidecar
from tests.support.paths import shared_data

MODELS = ("Gemini-Pro-CoT", "SPHINX-v2")


def make_table(folder: Path) -> Table:
    """Grade the outputs into a results folder and read it."""
    benchmark = load_benchmark("MathVision", data_root=shared_data(), offline=True)
    for model in MODELS:
        path = folder / "MathVision" / model / "tentative-00000000.graded.csv"
        path.parent.mkdir(parents=True)
        write_graded(grade_rows(_rows(model), benchmark), path, benchmark)
        write_sidecar(path, _manifest(model, benchmark))
    return build_table(collect(find_graded(folder)), ["MathVision"])


def _rows(model: str) -> Iterator[dict[str, str]]:
    path = shared_data() / "mathvision" / "outputs" / f"{model}.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield {"index": row["id"], "prediction": row["response"]}


def _manifest(model: str, benchmark: Benchmark) -> dict[str, object]:
    labels = {"benchmark": "MathVision", "mllm": model, "reasoner": None, "variant": "qa"}
    about = {"key": "00000000", "config": model, "labels": labels}
    return {**about, "spec": benchmark.spec.model_dump(mode="json")}


def markdown(table: Table) -> str:
    """The tables of the documentation."""
    documents = (board(table), paired(table, "all"), breakdown(table, ["level"]))
    parts = [FORMATS["md"].render(document)[".md"].decode() for document in documents]
    return "\n".join(parts)


def main() -> None:
    """Print the tables, write the figures."""
    with tempfile.TemporaryDirectory() as folder:
        table = make_table(Path(folder))
    print(markdown(table), end="")
    for ending, content in FORMATS["figures"].render(board(table)).items():
        if ending == "-bars.svg":
            Path(sys.argv[1] + ending).write_bytes(content)


if __name__ == "__main__":
    main()
