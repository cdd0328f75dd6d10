"""A second grader beside ours, for a person to look at the rows on which they disagree.

math-verify (the extra `math-verify`) gets the answer that was extracted, not the response, so
that only the comparison differs. Its time limit works by a signal: call it in the main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from racro_eval.data import Benchmark
from racro_eval.errors import MissingError
from racro_eval.grading import Verdict
from racro_eval.stages.grade import judge_row

SecondOpinion = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One row that the two graders judge differently."""

    index: str
    answer: str
    verdict: Verdict
    other: bool


def second_opinion(name: str) -> SecondOpinion:
    """A function of extracted answer and gold answer; raises MissingError without its package."""
    try:
        from math_verify import parse, verify
    except ImportError:
        raise MissingError(
            f"{name} is not installed. Install it with: pip install 'racro-eval[{name}]'"
        ) from None

    def agrees(extracted: str, answer: str) -> bool:
        gold = parse(f"${answer.strip().strip('$')}$")
        return bool(verify(gold, parse(f"${extracted.strip().strip('$')}$")))

    return agrees


def disagreements(
    rows: Iterable[Mapping[str, str]], benchmark: Benchmark, other: SecondOpinion
) -> Iterator[Disagreement]:
    """Rows with a stated answer on which `other` and our grader differ."""
    for row in rows:
        sample = benchmark.get(row["index"])
        if sample is None:
            continue
        verdict = judge_row(row, sample)
        if not verdict.extracted:
            continue
        opinion = other(verdict.extracted, sample.answer)
        if opinion != verdict.correct:
            yield Disagreement(sample.index, sample.answer, verdict, opinion)
