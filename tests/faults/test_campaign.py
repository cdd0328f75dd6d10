"""The short form of the campaign: some faults of each kind, and that it would see harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.faults import KINDS
from tests.faults.campaign import COLUMNS, Case, Outcome, Result, pick, run_kind, table
from tests.faults.evidence import difference, lost
from tests.faults.process import Exit

SEED = 20261125


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in KINDS if name != "engines"])
def test_no_fault_of_a_kind_does_harm(name: str) -> None:
    kind = KINDS[name]()
    result = run_kind(kind, SEED, most=kind.SHORT)
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.failures == []
    assert result.counts["injected"] > kind.SHORT / 3


@pytest.mark.slow
@pytest.mark.model
def test_no_kill_of_a_run_with_models_does_harm() -> None:
    kind = KINDS["engines"]()
    result = run_kind(kind, SEED, most=kind.SHORT)
    assert result.failures == []


def kind_of(*cases: Case) -> ModuleType:
    def listed(ground: Path, seed: int) -> Iterator[Case]:
        yield from cases

    return SimpleNamespace(NAME="made", SHORT=1, LONG=None, cases=listed)  # type: ignore[return-value]


def test_a_case_that_breaks_is_a_failure_and_does_not_end_the_others() -> None:
    def breaks(folder: Path, outcome: Outcome) -> None:
        raise KeyError("x")

    def fine(folder: Path, outcome: Outcome) -> None:
        outcome.injected()

    result = run_kind(kind_of(Case("a", breaks), Case("b", fine)), 0)
    assert not result.clean
    assert result.counts == {"other": 1, "injected": 1}
    assert "a: other: the case itself broke" in result.failures[0]


def test_a_failure_says_how_to_repeat_it() -> None:
    said: list[str] = []
    harm = Case("x: y", lambda folder, outcome: outcome.blame("rows lost", "two", 2))
    run_kind(kind_of(harm), 7, log=said.append)
    assert '--seed 7 --only made --case "x: y"' in said[0]


@pytest.mark.parametrize(
    ("end", "column"),
    [
        (Exit(0, "", ""), None),
        (Exit(130, "", "racro-eval: Interrupted.\n"), None),
        (Exit(70, "", "racro-eval: This is a bug in racro-eval: x\n"), "exit 70"),
        (Exit(1, "", "Traceback (most recent call last):\n"), "exit 70"),
        (Exit(-11, "", ""), "other"),
        (Exit(-9, "", "", hung=True), "hangs"),
        (Exit(2, "", f"racro-eval: {'word ' * 200}\n"), "other"),
    ],
)
def test_how_a_command_ends_is_judged(end: Exit, column: str | None) -> None:
    outcome = Outcome()
    outcome.check_exit(end)
    assert list(outcome.counts) == ([column] if column else [])


def test_a_row_that_is_gone_or_was_asked_again_is_lost() -> None:
    row = {"prediction": "a", "created_at": "noon"}
    key = ("f", "1", "0")
    assert lost({key: row}, {key: {**row, "a_later_column": "x"}}) == []
    assert lost({key: row}, {}) == [key]
    assert lost({key: row}, {key: {**row, "created_at": "later"}}) == [key]


def test_a_difference_is_named() -> None:
    assert difference({"a": [{"x": "1"}]}, {"a": [{"x": "1"}]}) == ""
    assert "a is missing" in difference({}, {"a": []})
    assert "b is left over" in difference({"b": []}, {})
    assert "x: '1', not '2'" in difference({"a": [{"x": "1"}]}, {"a": [{"x": "2"}]})


def test_the_same_seed_picks_the_same_cases() -> None:
    cases = [Case(str(number), lambda *_: None) for number in range(100)]
    assert pick(cases, 7, 1) == pick(cases, 7, 1) != pick(cases, 7, 2)
    assert pick(cases, None, 1) == cases


def test_the_table_sums_up() -> None:
    one, other = Result("one"), Result("other", skipped="no tmpfs")
    one.counts.update({"injected": 3, "hangs": 1})
    shown = table([one, other]).splitlines()
    assert shown[0] == f"| kind | {' | '.join(COLUMNS)} |"
    assert shown[-2:] == ["| all | 3 | 0 | 1 | 0 | 0 | 0 | 0 |", "other: skipped, no tmpfs"]
