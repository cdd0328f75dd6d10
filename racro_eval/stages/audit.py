"""A second grader beside ours; a person looks at the rows on which the two disagree.

math-verify (the extra `math-verify`) gets the extracted answer, not the response, so that only the
comparison differs. Its time limit uses a signal, which works in the main thread only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from racro_eval.data import Benchmark
from racro_eval.errors import MissingError
from racro_eval.grading import Verdict
from racro_eval.stages.grade import grade_row

SecondOpinion = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A row that the two graders grade differently.

    answer: the gold answer. verdict: ours. other: whether the other grader calls it correct.
    """

    index: str
    answer: str
    verdict: Verdict
    other: bool


def second_opinion(name: str) -> SecondOpinion:
    """The other grader: from an extracted answer and a gold answer to whether they are equal.

    Raises MissingError if its package is not installed.
    """
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
    """The rows with an extracted answer on which `other` and our grader disagree."""
    for row in rows:
        sample = benchmark.get(row["index"])
        if sample is None:
            continue
        verdict = grade_row(row, sample)
        if not verdict.extracted:
            continue
        opinion = other(verdict.extracted, sample.answer)
        if opinion != verdict.correct:
            yield Disagreement(sample.index, sample.answer, verdict, opinion)
