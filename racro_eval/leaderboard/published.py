"""The paper's own results: its rows, and which of them a row of ours stands beside."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from racro_eval.models.resolve import builtin_models
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

    group: its block. model: as the paper calls it. mllm, reasoner: the same in this project's
    names, "" where it has none. captioner: the checkpoint that wrote the captions. values: percent
    by benchmark, and AVG.
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


@cache
def canonical(name: str) -> str:
    """A model's built-in name, if it is called by the last part of its hub id."""
    names = {entry.model.rpartition("/")[2]: entry.name for entry in builtin_models().values()}
    return names.get(name, name)


def counterpart(mllm: str | None, reasoner: str | None) -> PublishedRow | None:
    """The paper's row for an MLLM alone, or for a reasoner with that MLLM's captions.

    The captions of the paper's rows are those of its trained captioners; a row of the untrained
    MLLM with the same reasoner is set beside them too.
    """
    for row in published_rows():
        if reasoner is None:
            if mllm and not row.reasoner and row.mllm == canonical(mllm):
                return row
        elif row.reasoner == canonical(reasoner) and canonical(mllm or "") in (
            row.captioner,
            row.mllm,
        ):
            return row
    return None
