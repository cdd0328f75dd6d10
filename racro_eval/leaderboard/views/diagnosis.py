"""The diagnosis as tables: outcomes, rescued and lost answers, agreement; whole and by stratum."""

from __future__ import annotations

from racro_eval.errors import MissingError
from racro_eval.leaderboard.analysis.diagnose import Group, Measure, groups, measures
from racro_eval.leaderboard.document import Column, Document, Field, Line, Record, Sheet, number
from racro_eval.leaderboard.table import Table
from racro_eval.leaderboard.views.board import notes

NOTES = [
    "All right: every reasoner is right. None right: none is, so that better reasoning over the "
    "same captions does not help (perception). Some right: it depends on the reasoner (reasoning).",
    "Rescued: the MLLM's tentative answer is wrong, the reasoner's right. Lost: the reverse. "
    "Percent of the samples with both.",
]
_SHEETS = {
    "outcome": ("Right by how many reasoners", ("all right", "some right", "none right")),
    "change": (
        "Rescued and lost against the tentative answer",
        ("tentative right", "reasoner right", "rescued", "lost"),
    ),
    "agreement": ("Agreement between reasoners", ("same verdict", "kappa")),
}


def diagnosis(table: Table) -> Document:
    """The document of a diagnosis. Raises MissingError without a row for a reasoner."""
    results = [
        (group, stratum, list(measures(group, stratum)))
        for group in groups(table)
        for stratum in group.strata
    ]
    if not results:
        raise MissingError("There is no reasoner's row to diagnose; run one with --reasoner.")
    sheets = [_sheet(kind, results) for kind in _SHEETS]
    records = [
        _record(group, stratum, measure)
        for group, stratum, numbers in results
        for measure in numbers
    ]
    shown = [sheet for sheet in sheets if sheet.blocks]
    return Document("diagnosis", "Diagnosis", shown, records, [*NOTES, *notes(table)[1:]])


def _sheet(kind: str, results: list[tuple[Group, str, list[Measure]]]) -> Sheet:
    title, names = _SHEETS[kind]
    heads = [
        Column("Model", text=True),
        Column("Reasoner", text=True),
        Column("n"),
        *(Column(name) for name in names),
    ]
    sheet = Sheet(title, "Benchmark, samples", heads, [])
    last: Group | None = None
    for group, stratum, numbers in results:
        lines = _lines(group, stratum, [measure for measure in numbers if measure.kind == kind])
        if lines and group is last:
            sheet.blocks[-1].extend(lines)
        elif lines:
            sheet.blocks.append(lines)
            last = group
    return sheet


def _lines(group: Group, stratum: str, numbers: list[Measure]) -> list[Line]:
    by_reasoners: dict[tuple[str, str], list[Measure]] = {}
    for measure in numbers:
        by_reasoners.setdefault((measure.reasoner, measure.other), []).append(measure)
    return [
        Line(
            f"{group.benchmark}, {stratum}",
            [
                Field(group.mllm, group.mllm, small=group.about),
                Field(_names(group, *reasoners), _names(group, *reasoners)),
                number(row[0].n, 0),
                *(number(m.value, 2 if m.name == "kappa" else 1) for m in row),
            ],
        )
        for reasoners, row in by_reasoners.items()
        if row[0].n
    ]


def _names(group: Group, reasoner: str, other: str) -> str:
    return " and ".join(filter(None, (reasoner, other))) or f"{len(group.right)} reasoners"


def _record(group: Group, stratum: str, measure: Measure) -> Record:
    return {
        "benchmark": group.benchmark,
        "mllm": group.mllm,
        "inputs": group.about,
        "samples": stratum,
        "kind": measure.kind,
        "reasoner": measure.reasoner,
        "other": measure.other,
        "measure": measure.name,
        "value": measure.value,
        "n": measure.n,
    }
