"""Servers that answer what they should not: each mode of `tests/support/server_modes.yaml`.

A run asks a server of that mode: once for all rows, and once for one row while the others are
answered well. Then the server is a good one, and the same run goes on: its rows must be those that
a good server would have given from the start, but for rows that were answered before.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.campaign import Case, Outcome, Skip
from tests.faults.evidence import answers, rows_of
from tests.faults.ground import RUN, Ground, make_ground, write_sweep
from tests.faults.process import start
from tests.support.openai_server import MODES, Server

if TYPE_CHECKING:
    from tests.support.openai_server import Mode

NAME = "servers"
SHORT = 12
LONG = None
_ROWS = 3
_ONE = "in picture 3?"
"""The question of one row holds this."""


@cache
def _server() -> Server:
    """The server of all modes; it ends with this process."""
    server = Server()
    atexit.register(server.close)
    return server


def cases(ground: Path, seed: int) -> Iterator[Case]:
    """Each mode for all rows, and for one of them."""
    try:
        import openai  # noqa: F401
    except ImportError:
        raise Skip("the extra `openai` is not installed") from None
    here = make_ground(ground / "here", _ROWS, commands=[RUN], models=_models(MODES["good"], ""))
    for mode in MODES.values():
        for only in ("", _ONE):
            name = f"{mode.name} for {'one row' if only else 'all rows'}"
            yield Case(name, partial(_case, here, mode, only))


def _models(mode: Mode, only: str) -> list[dict[str, Any]]:
    """Two entries of the same name and identity, wherever the server is."""
    return [
        {
            "name": name,
            "model": "m",
            "engine": "openai",
            "base_url": _server().url_of(mode.name, only),
            "identity": "the same weights",
            "options": mode.engine_options,
        }
        for name in ("captioner", "reasoner")
    ]


def _case(here: Ground, mode: Mode, only: str, folder: Path, outcome: Outcome) -> None:
    results = here.lay(folder)
    write_sweep(folder, 0.0, models=_models(mode, only))
    outcome.injected()
    end = start(RUN, folder).finish()
    outcome.check_exit(end, codes=[0] if mode.then in ("answer", "length") else [0, 1, 3])
    before = answers(results)
    if mode.then in ("failed", "ends") and not only and before and not mode.first:
        outcome.blame("unequal", f"no answer became one: {next(iter(before.values()))}")
    _check_errors(results, outcome)
    write_sweep(folder, 0.0, models=_models(MODES["good"], ""))
    outcome.check_exit(start(RUN, folder).finish(), codes=[0])
    outcome.check_kept(before, results, "after the resumed run")
    if mode.then in ("failed", "ends") and not before:
        outcome.check_equal(results, here.wanted)
    elif len(answers(results)) != 3 * _ROWS - 2:
        outcome.blame("unequal", f"{len(answers(results))} answers, not {3 * _ROWS - 2}")
    if errors := _server().errors:
        outcome.blame("other", f"the test's own server broke: {errors}")
        errors.clear()


def _check_errors(results: Path, outcome: Outcome) -> None:
    """What stands in the column `error` is a sentence without control characters."""
    for path in results.rglob("*.csv"):
        for row in rows_of(path):
            said = row.get("error") or ""
            if len(said) > 600 or not said.isprintable():
                outcome.blame("other", f"an error that nobody can read: {said[:700]!r}")
