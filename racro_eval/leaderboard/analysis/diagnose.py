"""Where answers go wrong: in the perception of the MLLM, or in the reasoning.

Reasoners that get the same captions and tentative answers differ only in their reasoning. Samples
that all of them get wrong are therefore attributed to perception, and those that only some get
right to reasoning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from racro_eval.leaderboard.analysis.samples import Answers, read_samples
from racro_eval.leaderboard.collect import Cell
from racro_eval.leaderboard.reading import read_columns, rows
from racro_eval.leaderboard.table import Row, Table, base_of
from racro_eval.scoring.profiles import DEFAULT_PROFILE
from racro_eval.thought import is_open

ALL_SAMPLES = "all samples"


@dataclass(frozen=True, slots=True)
class Group:
    """Reasoners on one benchmark that got the same texts of one MLLM.

    about: the variant and the profile. samples: those that every reasoner answered. right:
    reasoner's label → sample → whether it is right. tentative: sample → whether the MLLM's own
    answer is right, if it has one. strata: name → its samples.
    """

    benchmark: str
    mllm: str
    about: str
    samples: tuple[str, ...]
    right: Mapping[str, Mapping[str, bool]]
    tentative: Mapping[str, bool]
    strata: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a diagnosis: a share in percent of `n` samples, or a kappa.

    reasoner, other: the reasoners that it is about, "" for all of them together.
    """

    kind: str
    reasoner: str
    other: str
    name: str
    value: float | None
    n: int


def groups(table: Table) -> Iterator[Group]:
    """The groups of a table, by benchmark and block."""
    for benchmark in table.columns:
        for block in table.blocks:
            by_inputs: dict[tuple[str, ...], list[Row]] = {}
            for row in block.rows:
                cell = row.cells().get(benchmark)
                if row.reasoner and row.mllm and cell:
                    texts = (cell.parents.get(role, "") for role in ("caption", "tentative"))
                    key = (row.variant, row.profile, *texts)
                    by_inputs.setdefault(key, []).append(row)
            for members in by_inputs.values():
                yield _group(benchmark, block.rows, members, about=_about(members[0]))


def _about(row: Row) -> str:
    return (
        row.variant if row.profile == DEFAULT_PROFILE else f"{row.variant}, scored by {row.profile}"
    )


def _group(benchmark: str, block: Sequence[Row], members: Sequence[Row], about: str) -> Group:
    cells = {row.label.removeprefix("+ "): row.cells()[benchmark] for row in members}
    answers = {label: read_samples(cell) for label, cell in cells.items()}
    first = next(iter(answers.values()))
    common = [index for index in first if all(index in other for other in answers.values())]
    base = base_of(members[0], benchmark, block)
    base_cell = base.cells().get(benchmark) if base else None
    tentative = read_samples(base_cell) if base_cell else {}
    return Group(
        benchmark=benchmark,
        mllm=members[0].mllm or "",
        about=about,
        samples=tuple(common),
        right={
            label: {index: samples[index].right for index in common}
            for label, samples in answers.items()
        },
        tentative={index: tentative[index].right for index in common if index in tentative},
        strata=_strata(next(iter(cells.values())), common, answers),
    )


def _strata(
    cell: Cell, common: Sequence[str], answers: Mapping[str, Mapping[str, Answers]]
) -> dict[str, tuple[str, ...]]:
    """All samples; thirds by caption length; by truncation of the caption or of any answer."""
    captions = _captions(cell)
    lengths = {index: captions[index][0] for index in common if index in captions}
    cut_caption = {index for index in common if index in captions and captions[index][1]}
    cut_answer = {
        index for index in common if any(samples[index].truncated for samples in answers.values())
    }
    strata = {ALL_SAMPLES: list(common)}
    if len(lengths) >= 3:
        ordered = sorted(lengths.values())
        low, high = ordered[(len(ordered) - 1) // 3], ordered[2 * (len(ordered) - 1) // 3]
        strata |= {
            f"captions up to {low} tokens": [i for i, n in lengths.items() if n <= low],
            f"captions of {low + 1} to {high} tokens": [
                i for i, n in lengths.items() if low < n <= high
            ],
            f"captions over {high} tokens": [i for i, n in lengths.items() if n > high],
        }
    strata |= {
        "caption cut": [index for index in common if index in cut_caption],
        "an answer cut": [index for index in common if index in cut_answer],
        "nothing cut": [index for index in common if index not in cut_caption | cut_answer],
    }
    return {name: tuple(samples) for name, samples in strata.items() if samples}


def _captions(cell: Cell) -> dict[str, tuple[int, bool]]:
    """Index → length in tokens of the caption, and whether it is truncated."""
    key = cell.parents.get("caption")
    path = cell.path.parent.parent / f"caption-{key}.csv"
    if key is None or not path.is_file():
        return {}
    names = ("index", "prediction", "completion_tokens", "finish_reason", "error")
    return {
        row["index"]: (
            int(row["completion_tokens"] or 0),
            row["finish_reason"] == "length" or is_open(row["prediction"]),
        )
        for row in rows(read_columns(path, names))
        if not row["error"]
    }


def measures(group: Group, stratum: str = ALL_SAMPLES) -> Iterator[Measure]:
    """All numbers of a group on one of its strata."""
    samples = group.strata[stratum]
    verdicts = {label: [right[index] for index in samples] for label, right in group.right.items()}
    yield from _outcomes(verdicts, len(samples))
    answered = [index for index in samples if index in group.tentative]
    for label, right in group.right.items():
        yield from _changes(label, [(group.tentative[index], right[index]) for index in answered])
    for reasoner, other in combinations(verdicts, 2):
        yield from _agreement(reasoner, other, verdicts[reasoner], verdicts[other])


def _share(part: int, n: int) -> float | None:
    return 100 * part / n if n else None


def _outcomes(verdicts: Mapping[str, Sequence[bool]], n: int) -> Iterator[Measure]:
    right = [sum(column) for column in zip(*verdicts.values(), strict=True)]
    every = right.count(len(verdicts))
    none = right.count(0)
    for name, part in (
        ("all right", every),
        ("some right", n - every - none),
        ("none right", none),
    ):
        yield Measure("outcome", "", "", name, _share(part, n), n)


def _changes(label: str, pairs: Sequence[tuple[bool, bool]]) -> Iterator[Measure]:
    """How a reasoner changed the tentative answers. pairs: (tentative right, reasoner right)."""
    n = len(pairs)
    names = {
        "tentative right": sum(before for before, _ in pairs),
        "reasoner right": sum(after for _, after in pairs),
        "rescued": pairs.count((False, True)),
        "lost": pairs.count((True, False)),
    }
    for name, part in names.items():
        yield Measure("change", label, "", name, _share(part, n), n)


def _agreement(
    reasoner: str, other: str, first: Sequence[bool], second: Sequence[bool]
) -> Iterator[Measure]:
    """Same verdicts in percent, and Cohen's kappa, which is None if all agreement is by chance."""
    n = len(first)
    same = sum(a == b for a, b in zip(first, second, strict=True))
    yield Measure("agreement", reasoner, other, "same verdict", _share(same, n), n)
    p, q = sum(first) / n, sum(second) / n
    chance = p * q + (1 - p) * (1 - q)
    kappa = (same / n - chance) / (1 - chance) if chance < 1 else None
    yield Measure("agreement", reasoner, other, "kappa", kappa, n)
