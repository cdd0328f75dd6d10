"""A run whose files are changed meanwhile ends like an undisturbed one, or says why it does not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from racro_eval import RunConfig, RunReport, run
from racro_eval.engines.base import Engine, Request
from racro_eval.engines.echo import EchoEngine
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import CacheError
from racro_eval.pipeline import group_runner
from racro_eval.store.sidecar import sidecar_path
from tests.support.benchmarks import make_json_benchmark
from tests.support.results import only, read_csv, read_json, timeless


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return make_json_benchmark(tmp_path / "data", 12)


def go(spec: Path, results: str) -> RunReport:
    config = RunConfig.model_validate(
        {
            "data": [str(spec)],
            "mllm": ["echo:m"],
            "reasoner": ["echo:r"],
            "data_root": spec.parent,
            "results": spec.parent.parent / results,
        }
    )
    return run(config)


@pytest.fixture
def disturb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Does something once, when the reasoner answers its sixth row."""

    def disturb(act: Callable[[], None]) -> None:
        asked: list[Request] = []

        def create(entry: ModelEntry, engine: str, max_images: int) -> Engine:
            def reply(request: Request) -> str:
                asked.append(request)
                if len(asked) == 6 and entry.name == "r":
                    act()
                return "\\boxed{A}"

            if entry.name == "r":
                asked.clear()
            return EchoEngine(entry, reply=reply)

        monkeypatch.setattr(group_runner, "create_engine", create)

    return disturb


def answers(spec: Path) -> Path:
    return only(spec.parent.parent / "results", "qcap+sol")


CHANGES: list[Callable[[Path], None]] = [
    Path.unlink,
    lambda path: shutil.rmtree(path.parent),
    lambda path: sidecar_path(path).unlink(),
    lambda path: sidecar_path(path).write_text("{") and None,  # type: ignore[func-returns-value]
    lambda path: sidecar_path(path).write_text('{"runs": 3, "process": 4}') and None,  # type: ignore[func-returns-value]
    lambda path: Path(shutil.copy(path, f"{path}.copy")).replace(path) and None,  # type: ignore[func-returns-value]
]


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_what_can_be_made_good_is(
    spec: Path,
    disturb: Callable[[Callable[[], None]], None],
    change: Callable[[Path], None],
) -> None:
    disturb(lambda: None)
    go(spec, "undisturbed")
    disturb(lambda: change(answers(spec)))
    report = go(spec, "results")
    assert report.exit_code(0) == 0
    folder = spec.parent.parent
    assert timeless(folder / "results") == timeless(folder / "undisturbed")
    sidecar = read_json(answers(spec))
    assert "process" not in sidecar and sidecar["runs"][-1]["new"] == 12
    assert go(spec, "results").new == 0


def test_a_file_that_is_cut_ends_the_run_and_the_next_one_asks_for_what_is_gone(
    spec: Path, disturb: Callable[[Callable[[], None]], None]
) -> None:
    disturb(lambda: os.truncate(answers(spec), answers(spec).stat().st_size // 2))
    report = go(spec, "results")
    (error,) = report.errors
    assert isinstance(error, CacheError) and report.exit_code(0) != 0
    assert "it was cut from" in str(error) and "run the same command again" in str(error)
    disturb(lambda: None)
    assert go(spec, "results").exit_code(0) == 0
    assert len(read_csv(answers(spec))) == 12


def test_the_runs_before_are_not_lost_with_a_sidecar(
    spec: Path, disturb: Callable[[Callable[[], None]], None]
) -> None:
    disturb(lambda: None)
    go(spec, "results")
    lines = answers(spec).read_bytes().splitlines(keepends=True)
    answers(spec).write_bytes(b"".join(lines[:4]))
    disturb(lambda: sidecar_path(answers(spec)).unlink())
    go(spec, "results")
    assert [run["new"] for run in read_json(answers(spec))["runs"]] == [12, 9]
