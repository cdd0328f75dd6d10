"""The paper's own results: its rows, and which of them one of our rows is compared with."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from racro_eval.models.resolve import builtin_name
from racro_eval.store.records import read_named_rows

AVERAGE = "AVG"
JUDGES = (
    "The paper's numbers (arXiv 2506.04559v1) were judged by GPT models through VLMEvalKit; a "
    "symbolic score differs from them by a point or more on some benchmarks."
)
_ABOUT = ("group", "model", "mllm", "reasoner", "captioner", "source", "judge")


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One row of the paper's table.

    group: its block. model: its name in the paper. mllm, reasoner: the same in our names, "" if we
    have none. captioner: the checkpoint that wrote the captions. values: benchmark (or AVG) →
    score in percent.
    """

    group: str
    model: str
    mllm: str
    reasoner: str
    captioner: str
    values: Mapping[str, float]


@cache
def published_rows() -> tuple[PublishedRow, ...]:
    """The rows of the paper's table, in its order."""
    file = resources.files("racro_eval.published") / "published.csv"
    lines = read_named_rows(io.StringIO(file.read_text(encoding="utf-8")))
    return tuple(_row(line) for line in lines)


def _row(line: Mapping[str, str]) -> PublishedRow:
    names = ("group", "model", "mllm", "reasoner", "captioner")
    values = {
        name: float(value) for name, value in line.items() if name not in _ABOUT and value != ""
    }
    return PublishedRow(**{name: line[name] for name in names}, values=values)


def counterpart(mllm: str | None, reasoner: str | None) -> PublishedRow | None:
    """The paper's row for an MLLM alone, or for a reasoner with that MLLM's captions.

    The paper's rows have captions of its trained captioners. They are also the counterparts of rows
    with the untrained MLLM and the same reasoner.
    """
    for row in published_rows():
        if reasoner is None:
            if mllm and not row.reasoner and row.mllm == builtin_name(mllm):
                return row
        elif row.reasoner == builtin_name(reasoner) and builtin_name(mllm or "") in (
            row.captioner,
            row.mllm,
        ):
            return row
    return None
