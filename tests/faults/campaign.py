"""Cases, their outcomes, and the table of them.

A fault is judged as a user would: are the rows that were on disk still there, did the command end,
with a code that means something and a sentence that can be read, and does the same command go on to
what an undisturbed run would have written?
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from tests.faults.evidence import Rows, answers, difference, lost, lost_texts, state
from tests.faults.process import Exit

COLUMNS = ("injected", "rows lost", "hangs", "exit 70", "secrets", "unequal", "other")
MEANINGFUL = frozenset({0, 1, 2, 3, 130})
_MOST_WORDS = 120
"""A complaint is a few sentences; longer ones are counted as `other`."""


@dataclass
class Outcome:
    """What a case saw. counts: by column. complaints: in words."""

    counts: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def injected(self) -> None:
        """The fault has really happened."""
        self.counts["injected"] += 1

    def blame(self, column: str, complaint: str, times: int = 1) -> None:
        """Count something that must not be."""
        self.counts[column] += times
        self.complaints.append(f"{column}: {complaint}")

    def check_exit(self, end: Exit, *, killed: bool = False, codes: Iterable[int] = ()) -> None:
        """A command's end. killed: it was, so no code is asked of it. codes: allowed ones."""
        said = f"exit {end.code}: {end.err[-400:]!r}"
        allowed = frozenset(codes) or MEANINGFUL
        if end.hung:
            self.blame("hangs", said)
        elif "Traceback" in end.err or "This is a bug" in end.err or end.code == 70:
            self.blame("exit 70", said)
        elif not killed and end.code not in allowed:
            self.blame("other", f"not one of {sorted(allowed)}: {said}")
        elif len(_complaint(end.err).split()) > _MOST_WORDS:
            self.blame("other", f"a message of many words: {said}")

    def check_kept(
        self, before: Rows, results: Path, when: str, *, texts_only: bool = False
    ) -> Rows:
        """All rows of `before` are still on disk; gives those that are there now.

        texts_only: another run may have answered a row again.
        """
        now = answers(results)
        if gone := (lost_texts if texts_only else lost)(before, now):
            self.blame("rows lost", f"{when}: {gone[:3]} of {len(before)} rows", len(gone))
        return now

    def check_equal(self, results: Path, wanted: dict[str, object]) -> None:
        """The results are what an undisturbed run has written."""
        try:
            what = difference(state(results), wanted)
        except ValueError as error:
            what = f"cannot be read: {error}"
        if what:
            self.blame("unequal", what)


def _complaint(err: str) -> str:
    """The last line that racro-eval itself said."""
    lines = [line for line in err.splitlines() if line.startswith("racro-eval: ")]
    return lines[-1] if lines else ""


@dataclass(frozen=True, slots=True)
class Case:
    """One fault. run: given an empty folder, does it and reports."""

    name: str
    run: Callable[[Path, Outcome], None]


@dataclass
class Result:
    """A kind's cases, summed up."""

    kind: str
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def clean(self) -> bool:
        """Whether nothing happened that must not."""
        return not any(self.counts[column] for column in COLUMNS[1:])


class Skip(Exception):
    """A kind, or a part of it, that this machine cannot do; says why."""


def pick(cases: Iterable[Case], most: int | None, seed: int) -> list[Case]:
    """All cases, or so many of them, spread by the seed."""
    found = list(cases)
    if most is None or most >= len(found):
        return found
    chosen = random.Random(seed).sample(range(len(found)), most)
    return [found[number] for number in sorted(chosen)]


def run_kind(
    kind: ModuleType,
    seed: int,
    *,
    most: int | None = None,
    only: str | None = None,
    until: float = float("inf"),
    log: Callable[[str], None] = lambda _: None,
) -> Result:
    """Run a kind's cases. most: so many of them. only: the one of that name. until: monotonic."""
    result = Result(kind.NAME)
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        base = Path(name).resolve()
        try:
            cases = _chosen(kind, base / "ground", seed, most, only)
        except Skip as reason:
            result.skipped = str(reason)
            return result
        for number, case in enumerate(cases):
            if time.monotonic() > until:
                result.skipped = f"time was up after {number} of {len(cases)} cases"
                break
            outcome = _run_case(case, base / str(number))
            result.counts.update(outcome.counts)
            for complaint in outcome.complaints:
                result.failures.append(f"{case.name}: {complaint}")
                log(_repeat(kind.NAME, seed, case, complaint))
    return result


def _chosen(
    kind: ModuleType, ground: Path, seed: int, most: int | None, only: str | None
) -> Sequence[Case]:
    ground.mkdir(parents=True)
    cases: Iterator[Case] = kind.cases(ground, seed)
    if only is not None:
        return [case for case in cases if case.name == only]
    return pick(cases, most, seed)


def _run_case(case: Case, folder: Path) -> Outcome:
    outcome = Outcome()
    folder.mkdir()
    try:
        case.run(folder, outcome)
    except Skip:
        pass
    except Exception:  # a broken case must not end the campaign, nor pass
        outcome.blame("other", f"the case itself broke: {traceback.format_exc()}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _repeat(kind: str, seed: int, case: Case, complaint: str) -> str:
    return (
        f"{kind}, {case.name}: {complaint}\n"
        f'    python -m tests.faults --seed {seed} --only {kind} --case "{case.name}"'
    )


def table(results: Sequence[Result]) -> str:
    """Counts per kind in Markdown, as docs/reliability.md shows them."""
    lines = [f"| kind | {' | '.join(COLUMNS)} |", "|---|" + "---:|" * len(COLUMNS)]
    total: Counter[str] = Counter()
    for result in results:
        total.update(result.counts)
        lines.append(_line(result.kind, result.counts))
    lines.append(_line("all", total))
    lines += [f"{one.kind}: skipped, {one.skipped}" for one in results if one.skipped]
    return "\n".join(lines)


def _line(name: str, counts: Counter[str]) -> str:
    return f"| {name} | " + " | ".join(str(counts[column]) for column in COLUMNS) + " |"


def say(text: str) -> None:
    """Print at once, for whoever watches a long campaign."""
    print(text, file=sys.stderr, flush=True)
