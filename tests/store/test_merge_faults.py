"""`merge` that is killed at each of its steps, refused by the disk, or run twice at once."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from racro_eval.errors import ConfigError, MissingError, RacroError
from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.merging import Merged, merge
from racro_eval.store.row_table import RowTable
from racro_eval.store.row_writer import RowWriter
from racro_eval.store.sidecar import write_sidecar
from tests.support.results import read_json
from tests.support.store import row, write

STEPS = ("open", "write", "fsync", "ftruncate", "link", "rename", "replace", "unlink", "close")
"""The functions of `os` that change something on disk, or that come between two which do."""
WHOLE = "caption-00000000.csv"


def shard_path(folder: Path, number: int) -> Path:
    return folder / WHOLE.replace(".csv", f".shard-{number}-of-2.csv")


def make_shards(folder: Path) -> Path:
    """Two finished shards of six rows; a row of the whole file has failed in an earlier run."""
    folder.mkdir()
    manifest = {"schema": 1, "key": "00000000", "settings": {"stage": "caption"}}
    write(folder / WHOLE, row("2", "", error="it failed", created_at="2026-01-09"))
    write_sidecar(folder / WHOLE, {**manifest, "runs": [{"new": 1, "finished_at": "day 0"}]})
    for number in (1, 2):
        indices = [str(index) for index in range(number, 7, 2)]
        write(shard_path(folder, number), *(row(i, f"answer {i}") for i in reversed(indices)))
        places = {index: [int(index), 1] for index in indices}
        shard = {"number": number, "of": 2, "rows": places}
        runs = [{"new": 3, "finished_at": f"day {number}"}]
        write_sidecar(shard_path(folder, number), {**manifest, "shard": shard, "runs": runs})
    return folder


def outcomes(folder: Path) -> list[Merged | RacroError]:
    return list(merge(folder, on_wait=lambda text: None))


def state(folder: Path) -> tuple[list[dict[str, str]], object, list[str]]:
    """Rows and sidecar of the whole file, and the files (locks of the dead may stay)."""
    with RowTable(folder / WHOLE, CALL_COLUMNS) as table:
        rows = list(table.rows())
    locks = (".lock", ".owner")
    names = sorted(name for name in os.listdir(folder) if not name.endswith(locks))
    return rows, read_json(folder / WHOLE), names


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    return make_shards(tmp_path / "results")


@pytest.fixture
def expected(tmp_path: Path) -> tuple[list[dict[str, str]], object, list[str]]:
    folder = make_shards(tmp_path / "undisturbed")
    (merged,) = outcomes(folder)
    assert isinstance(merged, Merged)
    assert (merged.rows, merged.shards, merged.failed) == (6, 2, ())
    return state(folder)


def test_an_answer_outranks_a_failure_however_new(
    expected: tuple[list[dict[str, str]], object, list[str]],
) -> None:
    rows, sidecar, names = expected
    assert [values["prediction"] for values in rows] == [f"answer {i}" for i in range(1, 7)]
    assert [run["finished_at"] for run in sidecar["runs"]] == ["day 0", "day 1", "day 2"]  # type: ignore[index]
    assert names == [WHOLE, WHOLE.replace(".csv", ".json")]


def count_steps(act: Callable[[], object]) -> int:
    """How many calls of `STEPS` an action makes."""
    return _with_steps(act, lambda number: None)


def _with_steps(act: Callable[[], object], at: Callable[[int], None]) -> int:
    number = 0

    def counting(call: Callable[..., object]) -> Callable[..., object]:
        def step(*words: object, **more: object) -> object:
            nonlocal number
            number += 1
            at(number)
            return call(*words, **more)

        return step

    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            patch.setattr(os, name, counting(getattr(os, name)))
        act()
    return number


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_at_any_step_it_is_finished_by_the_next(
    tmp_path: Path, shards: Path, expected: tuple[list[dict[str, str]], object, list[str]]
) -> None:
    steps = count_steps(lambda: outcomes(make_shards(tmp_path / "counted")))
    assert steps > 60
    for kill_at in range(1, steps + 1):
        folder = tmp_path / "killed"
        shutil.copytree(shards, folder)
        _merge_and_die(folder, kill_at)
        with suppress(MissingError):  # there may be nothing left to be merged
            assert not [outcome for outcome in outcomes(folder) if isinstance(outcome, RacroError)]
        assert state(folder) == expected, f"killed at step {kill_at}"
        shutil.rmtree(folder)


def _merge_and_die(folder: Path, step: int) -> None:
    """Merge in a process of its own, which ends at that step as if it were killed."""
    child = os.fork()
    if child == 0:
        _with_steps(lambda: outcomes(folder), lambda number: number < step or os._exit(9))
        os._exit(0)
    os.waitpid(child, 0)


@pytest.mark.parametrize("what", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EMFILE])
@pytest.mark.parametrize("function", ["fsync", "write", "open", "rename"])
def test_refused_by_the_disk_it_says_so_and_is_finished_by_the_next(
    shards: Path,
    expected: tuple[list[dict[str, str]], object, list[str]],
    what: int,
    function: str,
) -> None:
    real, sentences = getattr(os, function), 0
    for refuse_at in range(1, 60, 4):
        calls = 0

        def refuse(*words: object, **more: object) -> object:
            nonlocal calls
            calls += 1
            if calls == refuse_at:  # noqa: B023
                raise OSError(what, os.strerror(what))
            return real(*words, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, function, refuse)
            try:
                failed = [
                    outcome for outcome in outcomes(shards) if isinstance(outcome, RacroError)
                ]
            except MissingError:
                break
        for error in failed:
            assert isinstance(error, RacroError) and os.strerror(what) in str(error)
            sentences += 1
    with suppress(MissingError):
        assert not [outcome for outcome in outcomes(shards) if isinstance(outcome, RacroError)]
    assert state(shards) == expected


@pytest.mark.slow
def test_twice_at_once_it_is_done_once(
    shards: Path, expected: tuple[list[dict[str, str]], object, list[str]]
) -> None:
    command = [sys.executable, "-m", "racro_eval", "merge", "--results", str(shards)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 3]), outputs  # the second one may find nothing any more
    assert sum("6 rows of 2 shards" in text for text in outputs) == 1
    assert state(shards) == expected


def test_a_shard_that_another_merge_has_taken_is_not_made_again(shards: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RowWriter(shards / "gone.csv", CALL_COLUMNS, create=False)
    assert not [name for name in os.listdir(shards) if "gone" in name]


def test_a_missing_shard_that_was_never_merged_is_reported(shards: Path) -> None:
    shard_path(shards, 2).unlink()
    (error,) = outcomes(shards)
    assert isinstance(error, MissingError)
    assert "is gone: run shard 2/2 again" in str(error)
    assert shard_path(shards, 1).exists()


@pytest.mark.parametrize("rows", [None, [], {"1": 1}, {"1": ["a", "b"]}, {"1": [1, 2, 3]}])
def test_a_sidecar_that_no_shard_has_written_is_a_sentence(shards: Path, rows: object) -> None:
    path = shard_path(shards, 1)
    content = read_json(path)
    content["shard"] = {"number": 1, "of": 2, "rows": rows}
    path.with_suffix(".json").write_text(json.dumps(content))
    (error,) = outcomes(shards)
    assert "is not the sidecar of a shard" in str(error)
    assert path.exists()


def test_a_shard_that_grows_while_it_is_merged_is_not_removed(shards: Path) -> None:
    with RowWriter(shard_path(shards, 1), CALL_COLUMNS) as writer:
        pass
    writer = RowWriter(shard_path(shards, 1), CALL_COLUMNS)
    with shard_path(shards, 1).open("ab") as file:
        file.write(b"x")
    with pytest.raises(RacroError):
        writer.remove()
    assert shard_path(shards, 1).exists()


def test_full_is_a_config_error(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    (error,) = outcomes(shards)
    assert isinstance(error, ConfigError) and "Free some space" in str(error)
