"""Verdicts of this project beside the official ones, on published model outputs.

    python -m tests.parity.agreement          print the section of docs/scoring.md
    python -m tests.parity.agreement --write  put it there

`explanations.json` says of each row that is decided otherwise who is right, and why. Rows in which
no answer is found here are counted only: there the official verdict rests on what a GPT extracted.
"""

from __future__ import annotations

import ast
import csv
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from racro_eval.data import Benchmark, Sample, load_benchmark
from racro_eval.grading.verdict import Status
from racro_eval.scoring.official import logicvista, mathvista
from racro_eval.scoring.profiles import grade
from tests.support.benchmarks import mathvista_root
from tests.support.paths import ROOT, shared_data

PAGE = ROOT / "docs" / "scoring.md"
BEGIN = "<!-- agreement: written by `python -m tests.parity.agreement --write` -->"
END = "<!-- end of agreement -->"
EXPLANATIONS = Path(__file__).parent / "explanations.json"


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is graded otherwise."""

    index: str
    gold: str
    extracted: str
    official: bool
    ours: bool
    status: str


@dataclass(slots=True)
class Agreement:
    """How many rows of an output file are graded alike. given: what the verdict is based on."""

    benchmark: str
    outputs: str
    given: str
    rows: int = 0
    differences: list[Difference] = field(default_factory=list)
    comparisons: Counter[str] = field(default_factory=Counter)
    """How many responses each comparison decided."""

    def add(self, sample: Sample, ours: bool, official: bool, status: str, extracted: str) -> None:
        self.rows += 1
        if ours != official:
            row = (sample.index, sample.answer, extracted, official, ours, status)
            self.differences.append(Difference(*row))

    def add_response(self, sample: Sample, response: str, official: bool) -> None:
        verdict = grade(response, sample)
        self.comparisons[verdict.method.rpartition("/")[2]] += 1
        self.add(sample, verdict.correct, official, verdict.status.value, verdict.extracted)

    @property
    def agreed(self) -> int:
        return self.rows - len(self.differences)

    @property
    def undecided(self) -> list[Difference]:
        """Rows in which no answer was found here."""
        return [row for row in self.differences if row.status != Status.incorrect and not row.ours]

    @property
    def decided(self) -> list[Difference]:
        """Rows in which an answer was found here, and graded otherwise."""
        return [row for row in self.differences if row not in self.undecided]


@cache
def benchmark(name: str) -> Benchmark:
    """A benchmark of the real rows."""
    if name != "MathVista_MINI":
        return load_benchmark(name, data_root=shared_data(), offline=True)
    with tempfile.TemporaryDirectory() as folder:
        return load_benchmark(name, data_root=mathvista_root(Path(folder)), offline=True)


def load(name: str) -> Any:
    return json.loads((shared_data() / name).read_text(encoding="utf-8"))


def json_lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (shared_data() / name).read_text("utf-8").splitlines()]


def table(name: str) -> list[dict[str, str]]:
    with (shared_data() / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mathvision(model: str) -> Agreement:
    """The official verdicts of a file of MATH-Vision outputs."""
    agreement = Agreement("MathVision", model, "the response")
    for row in json_lines(f"mathvision/outputs/{model}.jsonl"):
        sample = benchmark("MathVision")[row["id"]]
        agreement.add_response(sample, row["response"], row["correct"])
    return agreement


def mathvista_extractions(model: str) -> Agreement:
    """The official verdicts on what the official extractor, a GPT-4, took from the responses."""
    agreement = Agreement("MathVista", model, "the official extraction")
    for pid, row in load(f"mathvista/outputs/{model}.json").items():
        sample = benchmark("MathVista_MINI")[pid]
        outcome = mathvista.compare_answer(str(row["extraction"]), sample)
        agreement.add(
            sample, outcome.equal, row["true_false"], outcome.status.value, row["extraction"]
        )
    return agreement


def mathvista_responses(model: str) -> Agreement:
    """The official verdicts beside those from the responses, without a GPT-4."""
    agreement = Agreement("MathVista", model, "the response")
    for pid, row in load(f"mathvista/outputs/{model}.json").items():
        agreement.add_response(benchmark("MathVista_MINI")[pid], row["response"], row["true_false"])
    return agreement


def logicvista_rows(model: str) -> Iterator[tuple[dict[str, str], Sample | None]]:
    for row in table(f"logicvista/outputs/{model}-accuracy-results.csv"):
        yield row, benchmark("LogicVista").get(row["id"])  # v1_382 is left out


def logicvista_extractions(model: str) -> Agreement:
    """The official matches of the letters that a GPT-3.5 took from the answers."""
    agreement = Agreement("LogicVista", model, "the official extraction")
    for row, sample in logicvista_rows(model):
        letters = ast.literal_eval(row[f"{model} answer extracted"])
        if sample is not None:
            same = logicvista.compare_answer(", ".join(letters), sample).equal
            agreement.add(sample, same, row["match?"] == "1", "", str(letters))
    return agreement


def logicvista_responses(model: str) -> Agreement:
    """The official matches beside those from the answers, without a GPT-3.5."""
    agreement = Agreement("LogicVista", model, "the response")
    for row, sample in logicvista_rows(model):
        if sample is not None:
            agreement.add_response(sample, row[f"{model} answer raw"], row["match?"] == "1")
    return agreement


@dataclass(frozen=True, slots=True)
class MmmuRow:
    """A published MMMU response with what the official parser and scorer say of it."""

    sample: Sample
    response: str
    parsed: str
    guessed: bool
    correct: bool


def mmmu_rows(model: str) -> list[MmmuRow]:
    """The 900 rows of a model. Samples are made from the rows, which hold their options."""
    official = {row["id"]: row for row in table(f"mmmu/outputs/{model}_official.csv")}
    rows = []
    for path in sorted((shared_data() / "mmmu" / "outputs" / model).glob("*.json")):
        for row in json.loads(path.read_text(encoding="utf-8")):
            verdict = official[row["id"]]
            sample = Sample(
                index=row["id"],
                question="",
                options=row.get("index2ans", {}),
                answer=str(row["answer"]),
                scorer="mmmu",
            )
            guessed, correct = verdict["random_guess"] == "1", verdict["correct"] == "1"
            rows.append(MmmuRow(sample, row["response"], verdict["parsed"], guessed, correct))
    return rows


def mmmu_responses(model: str) -> Agreement:
    """The official verdicts, but for the rows in which the official parser draws an option."""
    agreement = Agreement("MMMU", model, "the response")
    for row in mmmu_rows(model):
        if not row.guessed:
            agreement.add_response(row.sample, row.response, row.correct)
    return agreement


MEASURES: list[tuple[Callable[[str], Agreement], tuple[str, ...]]] = [
    (mathvision, ("Gemini-Pro-CoT", "SPHINX-v2")),
    (mathvista_extractions, ("bard", "gpt4_2shot_solution")),
    (mathvista_responses, ("bard", "gpt4_2shot_solution")),
    (logicvista_extractions, ("GPT4", "LLAVA7B")),
    (logicvista_responses, ("GPT4", "LLAVA7B")),
    (mmmu_responses, ("llava1.5_13b", "qwen_vl")),
]


@cache
def measured() -> list[Agreement]:
    """All agreements."""
    return [measure(model) for measure, models in MEASURES for model in models]


def explanations() -> dict[str, dict[str, str]]:
    """benchmark/outputs/index → who is right ("ours", "official", "neither"), and why."""
    explained: dict[str, dict[str, str]] = json.loads(EXPLANATIONS.read_text(encoding="utf-8"))
    return explained


def name_of(agreement: Agreement, row: Difference) -> str:
    """The name of a row in the explanations."""
    return f"{agreement.benchmark}/{agreement.outputs}/{row.index}"


def section() -> str:
    """The section of docs/scoring.md, from what is measured now."""
    lines = [BEGIN, "", *_counts(), "", *_refusals(), "", *_decided_otherwise(), "", END]
    return "\n".join(lines)


def _counts() -> Iterator[str]:
    yield "| benchmark | outputs | verdicts from | rows | same | no answer found here | otherwise |"
    yield "|---|---|---|---|---|---|---|"
    for a in measured():
        share = f"{a.agreed} ({100 * a.agreed / a.rows:.1f} %)"
        counts = f"{a.rows} | {share} | {len(a.undecided)} | {len(a.decided)}"
        yield f"| {a.benchmark} | {a.outputs} | {a.given} | {counts} |"


def _refusals() -> Iterator[str]:
    """MathVista's undecided rows that are officially correct by the nearest choice to a refusal."""
    yield "Officially correct rows of MathVista without an answer here, in which the official"
    yield 'extraction names no choice either (it is often "N/A"), and the choice nearest to it'
    yield "is by chance the gold:"
    parts = []
    for a in measured():
        if (a.benchmark, a.given) == ("MathVista", "the response"):
            rows = load(f"mathvista/outputs/{a.outputs}.json")
            chance = sum(_by_chance(rows[row.index]) for row in a.undecided if row.official)
            parts.append(f"{a.outputs} {chance} of {len(a.undecided)}")
    yield "; ".join(parts) + "."


def _by_chance(row: dict[str, Any]) -> bool:
    sample = benchmark("MathVista_MINI")[row["pid"]]
    return mathvista.compare_answer(row["extraction"], sample).method == "choice-nearest"


def _decided_otherwise() -> Iterator[str]:
    why = explanations()
    yield "| benchmark | outputs | index | gold | extracted | official | here | right | why |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for a in measured():
        for row in a.decided:
            explanation = why.get(name_of(a, row), {"right": "?", "why": "?"})
            verdicts = [("incorrect", "correct")[verdict] for verdict in (row.official, row.ours)]
            cells = [a.benchmark, a.outputs, row.index, _code(row.gold), _code(row.extracted)]
            yield f"| {' | '.join([*cells, *verdicts, explanation['right'], explanation['why']])} |"


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|").replace("`", "'").replace("\n", " ") + "`"


def written() -> str:
    """The section as it stands in the page."""
    page = PAGE.read_text(encoding="utf-8")
    return page[page.index(BEGIN) : page.index(END) + len(END)]


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(PAGE.read_text("utf-8").replace(written(), section()), encoding="utf-8")
    else:
        print(section())
