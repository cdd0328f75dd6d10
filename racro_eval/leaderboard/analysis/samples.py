"""The verdicts of each sample, read from a graded file for the views that need them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from racro_eval.leaderboard.collect import Cell
from racro_eval.leaderboard.reading import read_columns, rows


@dataclass(slots=True)
class Answers:
    """The draws of one sample, in order.

    extracted: the answer that was extracted from each, "" without any. statuses: their verdicts.
    """

    extracted: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)

    @property
    def n(self) -> int:
        """The number of answers."""
        return len(self.statuses)

    @property
    def correct(self) -> int:
        """The number of right answers."""
        return self.statuses.count("correct")

    @property
    def right(self) -> bool:
        """Whether more than half of the answers are right."""
        return 2 * self.correct > self.n

    @property
    def truncated(self) -> bool:
        """Whether an answer is truncated."""
        return "truncated" in self.statuses

    @property
    def majority_right(self) -> bool:
        """Whether the most frequent answer is right; in a tie the earlier one counts.

        All right answers count as the same answer; wrong answers are compared by their text; a
        response without an answer does not count.
        """
        pairs = zip(self.extracted, self.statuses, strict=True)
        votes = Counter(
            None if status == "correct" else text.strip() for text, status in pairs
            if text.strip() or status == "correct"
        )  # fmt: skip
        return bool(votes) and votes.most_common(1)[0][0] is None


def read_samples(cell: Cell) -> dict[str, Answers]:
    """Index → answers of a graded file, for the samples that count for the headline score."""
    where = cell.spec.headline.where if cell.spec and cell.spec.headline else {}
    names = ("index", "sample", "extracted", "status", *where)
    samples: dict[str, Answers] = {}
    for row in sorted(rows(read_columns(cell.path, names)), key=lambda row: int(row["sample"])):
        if cell.spec is None or cell.spec.counts(row):
            answers = samples.setdefault(row["index"], Answers())
            answers.extracted.append(row["extracted"])
            answers.statuses.append(row["status"])
    return samples
