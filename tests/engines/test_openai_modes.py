"""Every way in which a server may answer, through the real engine: what becomes of the row."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

pytest.importorskip("httpx2", reason="the extra `openai` is not installed")

from racro_eval.engines import Completion, Message, Request, Sampling, create_engine
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import EngineError
from racro_eval.pipeline.config import RunConfig
from racro_eval.pipeline.display import Display
from racro_eval.pipeline.execution import RunReport, run
from tests.support.benchmarks import make_json_benchmark
from tests.support.openai_server import GOOD, MODES, Mode, Server
from tests.support.results import only, read_csv


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running
    assert running.errors == []


def entry(server: Server, mode: Mode, only: str = "") -> ModelEntry:
    url = server.url_of(mode.name, only)
    return ModelEntry(
        name="m", model="m", engine="openai", base_url=url, options=mode.engine_options
    )


def ask(server: Server, mode: Mode) -> Completion:
    """What becomes of one request in a mode."""
    asked = Request("r", (Message("user", f"Q {mode.name}"),), sampling=Sampling(logprobs=True))
    engine = create_engine(entry(server, mode), "openai")
    try:
        (done,) = engine.stream([asked])
    finally:
        engine.close()
    return done


def test_there_are_enough_modes_of_each_kind() -> None:
    assert len(MODES) >= 70
    assert {mode.then for mode in MODES.values()} == {"answer", "length", "failed", "ends"}
    assert all(mode.why for mode in MODES.values())


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_mode(server: Server, mode: Mode) -> None:
    if mode.then == "ends":
        with pytest.raises(EngineError) as caught:
            ask(server, mode)
        check_sentence(mode, str(caught.value))
        return
    done = ask(server, mode)
    assert done.id == "r"
    assert done.latency_s >= 0
    if mode.then == "failed":
        assert (done.texts, done.finish_reasons) == ((), ())
        check_sentence(mode, done.error or "")
        return
    assert done.error is None
    assert done.finish_reasons == ({"answer": "stop", "length": "length"}[mode.then],)
    assert mode.says in done.texts[0]
    assert done.usage.prompt_tokens in (0, 7)
    assert done.usage.completion_tokens in (0, 3)
    assert done.token_logprobs is None


def check_sentence(mode: Mode, said: str) -> None:
    """One line for a person: short, without control characters, and no word of ours as a bug."""
    assert mode.says in said
    assert 0 < len(said) < 500
    assert not [c for c in said if unicodedata.category(c) in ("Cc", "Cf", "Cs")]
    assert "bug" not in said
    assert "Traceback" not in said


def one_row_in_a_mode(server: Server, folder: Path, mode: Mode) -> RunConfig:
    """A run over four rows, the third of which meets the mode."""
    return RunConfig(
        data=[str(make_json_benchmark(folder, 4))],
        data_root=folder,
        results=folder / "results",
        variant=["none"],
        reasoner=["m"],
        models=[entry(server, mode, only="picture 3?")],
    )


@pytest.mark.parametrize("name", ["key-refused-later", "dies-later"])
def test_a_server_that_serves_no_request_any_more_ends_a_run_which_keeps_its_rows(
    server: Server, tmp_path: Path, name: str
) -> None:
    mode = MODES[name]
    config = one_row_in_a_mode(server, tmp_path, mode)
    report = run(config, Display(Console(quiet=True)))
    assert report.exit_code(max_failures=0) == 3
    assert mode.says in str(report.errors[0])
    found = list((tmp_path / "results").rglob("none-????????.csv"))
    rows = [row for path in found for row in read_csv(path)]
    assert all(row["index"] in "124" and row["prediction"] == GOOD for row in rows)


@pytest.mark.parametrize(
    "name",
    [
        "choices-null",
        "content-filter",
        "forbidden",
        "bad-utf8",
        "half-body",
        "lone-surrogate",
        "nul-in-text",
        "thought-cut",
    ],
)
def test_a_mode_of_one_row_in_a_run(server: Server, tmp_path: Path, name: str) -> None:
    mode = MODES[name]
    config = one_row_in_a_mode(server, tmp_path, mode)

    def again() -> tuple[RunReport, int]:
        before = len(server.asked)
        report = run(config, Display(Console(quiet=True)))
        return report, len(server.asked) - before

    report, _ = again()
    rows = {row["index"]: row for row in read_csv(only(tmp_path / "results", "none"))}
    assert list(rows) == ["1", "2", "3", "4"]
    assert [rows[n]["prediction"] for n in "124"] == [GOOD] * 3
    assert [rows[n]["error"] for n in "124"] == [""] * 3
    failed = mode.then == "failed"
    assert report.exit_code(max_failures=0) == (1 if failed else 0)
    assert mode.says in rows["3"]["error" if failed else "prediction"]
    assert (
        rows["3"]["finish_reason"]
        == {"failed": "", "answer": "stop", "length": "length"}[mode.then]
    )
    report, asked = again()
    if failed:
        assert asked in (1, 2)  # the row, and once more if its failure might have passed
    else:
        assert asked == 0
    assert report.exit_code(max_failures=0) == (1 if failed else 0)
