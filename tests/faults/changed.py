"""Files changed by somebody else while a run writes them, or between its stages.

A sync tool, an editor or a colleague replaces, deletes, truncates, appends to, or fills with zeros
the CSV of a stage, its sidecar, a graded file, or the whole folder. When the run has ended, and
after the same run again, every row is on disk that was there and was not taken away by the change
itself, rows that the run wrote after the change among them.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.faults.campaign import Case, Outcome
from tests.faults.evidence import Rows, answers, is_stage_file, rows_of
from tests.faults.ground import RESULTS, RUN, Ground, make_ground
from tests.faults.process import start

NAME = "changed"
SHORT = 14
LONG = 150
_ROWS = 10
_LATENCY_S = 0.03

Change = Callable[[Path], None]


def _replaced_by_copy(path: Path) -> None:
    copy = path.with_name(f"{path.name}.from-elsewhere")
    shutil.copy(path, copy)
    os.replace(copy, path)


def _replaced_by_part(path: Path) -> None:
    copy = path.with_name(f"{path.name}.from-elsewhere")
    content = path.read_bytes()
    copy.write_bytes(content[: len(content) // 2])
    os.replace(copy, path)


def _replaced_by_link(path: Path) -> None:
    there = path.parents[3] / f"elsewhere-{path.name}"
    shutil.move(path, there)
    path.symlink_to(there)


def _deleted(path: Path) -> None:
    path.unlink()


def _emptied(path: Path) -> None:
    os.truncate(path, 0)


def _halved(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _zeros(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0" * 100)


def _a_line(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\n")


def _a_row_again(path: Path) -> None:
    """Another writer without a lock has finished a row of the same file."""
    last = path.read_bytes().splitlines(keepends=True)[-1:]
    with path.open("ab") as file:
        file.writelines(last)


def _half_a_row(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'"3","0","half a')


def _renamed(path: Path) -> None:
    path.rename(path.with_name(f"{path.name}.bak"))


def _made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _folder_gone(path: Path) -> None:
    shutil.rmtree(path.parent)


def _mark_of_order(path: Path) -> None:
    """An editor has saved the file with a byte order mark."""
    copy = path.with_name(f"{path.name}.from-elsewhere")
    copy.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    os.replace(copy, path)


def _with_carriage_returns(path: Path) -> None:
    copy = path.with_name(f"{path.name}.from-elsewhere")
    copy.write_bytes(path.read_bytes().replace(b'"\n"', b'"\r\n"'))
    os.replace(copy, path)


CHANGES: tuple[Change, ...] = (
    _replaced_by_copy,
    _replaced_by_part,
    _replaced_by_link,
    _deleted,
    _emptied,
    _halved,
    _zeros,
    _a_line,
    _a_row_again,
    _half_a_row,
    _renamed,
    _made_a_folder,
    _folder_gone,
    _mark_of_order,
    _with_carriage_returns,
)
_STEMS = ("caption", "tentative", "qcap+sol")


def cases(ground: Path, seed: int) -> Iterator[Case]:
    """Each change to each stage's file, at random moments; and to finished files between runs."""
    here = make_ground(ground / "here", _ROWS, latency_s=_LATENCY_S, commands=[RUN])
    chance = random.Random(seed)
    for number in range(2):
        for change in CHANGES:
            for stem in _STEMS:
                rows = chance.randrange(1, _ROWS - 2)
                name = f"{number}: {stem}{change.__name__}, after {rows} rows"
                yield Case(name, partial(_while_written, here, stem, change, rows))
    for change in CHANGES:
        for stem in (*_STEMS, *(f"{stem}.json" for stem in _STEMS), "graded.csv", "graded.json"):
            name = f"finished {stem}{change.__name__}"
            yield Case(name, partial(_between, here, stem, change))


def _while_written(
    here: Ground, stem: str, change: Change, rows: int, folder: Path, outcome: Outcome
) -> None:
    results = here.lay(folder)
    running = start(RUN, folder)

    def there() -> bool:
        found = [path for path in _files(results, stem) if is_stage_file(path)]
        return bool(found) and len(rows_of(found[0])) >= rows

    if running.wait(until=there) is not None:
        return
    path = _files(results, stem)[0]
    before = answers(results)
    try:
        change(path)
    except OSError:  # the run has just replaced or finished it
        return
    outcome.injected()
    after = _not_taken(before, answers(results))
    end = running.finish()
    outcome.check_exit(end)
    outcome.check_kept(after, results, "after the changed run")
    if end.code == 0 and (missing := _missing(here, results)):
        outcome.blame("rows lost", f"exit 0, but {missing} rows are not on disk", missing)
    _bring_back(here, after, folder, outcome)


def _between(here: Ground, stem: str, change: Change, folder: Path, outcome: Outcome) -> None:
    results = here.finished(folder)
    before = answers(results)
    change(_files(results, stem)[0])
    outcome.injected()
    after = _not_taken(before, answers(results))
    table = start(["leaderboard"], folder).finish()
    outcome.check_exit(table, codes=[0, 2, 3])
    outcome.check_kept(after, results, "after the leaderboard")
    _bring_back(here, after, folder, outcome)


def _bring_back(here: Ground, after: Rows, folder: Path, outcome: Outcome) -> None:
    """The same run again: it ends with 0, or says in a sentence which file a person must look at.

    In the latter case that person moves the file away, and the run after that must be whole.
    """
    results = folder / RESULTS
    again = start(RUN, folder).finish()
    outcome.check_exit(again, codes=[0, 2])
    outcome.check_kept(after, results, "after the resumed run")
    if again.code == 2:
        for path in list(results.rglob("*.csv")) + list(results.rglob("*.json")):
            if str(path.relative_to(folder)) in again.err:
                path.rename(folder / path.name)
        outcome.check_exit(start(RUN, folder).finish(), codes=[0])
    if missing := _missing(here, results):
        outcome.blame("unequal", f"{missing} rows are missing at the end")


def _files(results: Path, stem: str) -> list[Path]:
    name, _, kind = stem.partition(".")
    pattern = f"*.{stem}" if name == "graded" else f"{name}-????????.{kind or 'csv'}"
    return sorted(results.rglob(pattern))


def _not_taken(before: Rows, now: Rows) -> Rows:
    """The rows that the change itself has left."""
    return {key: row for key, row in before.items() if now.get(key) == row}


def _missing(here: Ground, results: Path) -> int:
    """Rows of the undisturbed run that are not there, by what the model has said."""
    missing = 0
    found = answers(results)
    texts = {key: row["prediction"] for key, row in found.items()}
    for name, rows in here.wanted.items():
        if is_stage_file(Path(name)):
            for row in rows:
                key = (name, row["index"], row["sample"])
                missing += texts.get(key) != row["prediction"]
    return missing
