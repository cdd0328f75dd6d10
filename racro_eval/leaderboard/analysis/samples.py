"""Verdicts sample by sample, read from a graded file only where a view needs them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from racro_eval.leaderboard.collect import Cell
from racro_eval.leaderboard.reading import read_columns, rows


@dataclass(slots=True)
class Answers:
    """The answers of one sample in the order in which they were drawn.

    given: what was extracted of each, "" if nothing was. statuses: their verdicts.
    """

    given: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)

    @property
    def n(self) -> int:
        """How many answers there are."""
        return len(self.statuses)

    @property
    def correct(self) -> int:
        """How many of them are right."""
        return self.statuses.count("correct")

    @property
    def right(self) -> bool:
        """Whether more than half of the answers are right."""
        return 2 * self.correct > self.n

    @property
    def cut(self) -> bool:
        """Whether an answer was truncated."""
        return "truncated" in self.statuses

    @property
    def majority_right(self) -> bool:
        """Whether the answer that most votes went to is right; the earlier one wins a tie.

        Right answers are one candidate, however they are written; wrong ones are told apart by
        their text; a response without an answer has no vote.
        """
        pairs = zip(self.given, self.statuses, strict=True)
        votes = Counter(
            None if status == "correct" else text.strip() for text, status in pairs
            if text.strip() or status == "correct"
        )  # fmt: skip
        return bool(votes) and votes.most_common(1)[0][0] is None


def read_samples(cell: Cell) -> dict[str, Answers]:
    """Index → answers of a graded file, for the samples that the headline counts."""
    where = cell.spec.headline.where if cell.spec and cell.spec.headline else {}
    names = ("index", "sample", "extracted", "status", *where)
    found: dict[str, Answers] = {}
    for row in sorted(rows(read_columns(cell.path, names)), key=lambda row: int(row["sample"])):
        if cell.spec is None or cell.spec.counts(row):
            answers = found.setdefault(row["index"], Answers())
            answers.given.append(row["extracted"])
            answers.statuses.append(row["status"])
    return found
