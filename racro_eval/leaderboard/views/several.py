"""Rows with several answers per sample: mean@n, maj@n, pass@k."""

from __future__ import annotations

from racro_eval.errors import MissingError
from racro_eval.leaderboard.analysis.samples import Answers, read_samples
from racro_eval.leaderboard.collect import Cell
from racro_eval.leaderboard.document import Column, Document, Field, Line, Record, Sheet, number
from racro_eval.leaderboard.statistics import pass_at_k, standard_error
from racro_eval.leaderboard.table import Table
from racro_eval.leaderboard.views.board import identity, notes

NOTE = (
    "mean@n: right answers in percent, ± standard error over samples. maj@n: samples whose most "
    "frequent answer is right. pass@k: chance that one of k answers is right (unbiased estimate)."
)


def several(table: Table) -> Document:
    """The document of these rows. Raises MissingError if every sample has a single answer."""
    sheets: list[Sheet] = []
    records: list[Record] = []
    for benchmark in table.columns:
        rows = [(row, row.cells().get(benchmark)) for row in table.rows]
        read = [(row, cell, read_samples(cell)) for row, cell in rows if cell and _many(cell)]
        if not read:
            continue
        draws = sorted({k for _, _, samples in read for k in powers(_fewest(samples))})
        lines = []
        for row, _, samples in read:
            values = estimates(samples)
            lines.append(Line(f"{row.mllm} {row.label}", _fields(values, draws)))
            records += [
                {**identity(row), "benchmark": benchmark, "measure": name, "value": value}
                for name, value in values.items()
            ]
        heads = ("n", "mean@n", "maj@n", *(f"pass@{k}" for k in draws))
        sheets.append(Sheet(benchmark, "Model", [Column(head) for head in heads], [lines]))
    if not sheets:
        raise MissingError(
            "No row has several answers per sample; `racro-eval run --samples 8 ...` draws them."
        )
    title = "Several answers per sample"
    return Document("several", title, sheets, records, [NOTE, *notes(table)[1:]])


def _many(cell: Cell) -> bool:
    return cell.score.whole.rows > cell.score.samples


def _fewest(samples: dict[str, Answers]) -> int:
    return min(answers.n for answers in samples.values())


def powers(n: int) -> list[int]:
    """1, 2, 4, ... up to n, and n itself."""
    return sorted({1 << power for power in range(n.bit_length())} | {n})


def estimates(samples: dict[str, Answers]) -> dict[str, float]:
    """Measure → value: n, and in percent mean@n, its standard error, maj@n and pass@k.

    n is the smallest number of answers of a sample; mean@n and maj@n use all answers.
    """
    every = list(samples.values())
    n = _fewest(samples)
    means = [answers.correct / answers.n for answers in every]
    values = {
        "n": float(n),
        "mean@n": 100 * sum(means) / len(means),
        "standard error": 100 * standard_error(means),
        "maj@n": 100 * sum(answers.majority_right for answers in every) / len(every),
    }
    for k in powers(n):
        passed = sum(pass_at_k(answers.n, answers.correct, k) for answers in every)
        values[f"pass@{k}"] = 100 * passed / len(every)
    return values


def _fields(values: dict[str, float], draws: list[int]) -> list[Field]:
    mean = Field(f"{values['mean@n']:.1f} ± {values['standard error']:.1f}", values["mean@n"])
    rest = [number(values.get(f"pass@{k}")) for k in draws]
    return [number(values["n"], 0), mean, number(values["maj@n"]), *rest]
