"""The whole run, with the echo engine: what is asked, what is written, what is reused."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rich.console import Console

from racro_eval import RunConfig, RunReport, load_benchmark, run
from racro_eval.engines.base import Completion, Engine, EngineInfo, Request
from racro_eval.engines.echo import EchoEngine
from racro_eval.engines.loading import current_loading
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import CacheError, ConfigError, EngineError, MissingError, UsageError
from racro_eval.leaderboard.analysis.diagnose import groups
from racro_eval.leaderboard.collect import collect, find_graded
from racro_eval.leaderboard.table import build_table
from racro_eval.pipeline import display, execution, group_runner
from racro_eval.pipeline.display import Display
from racro_eval.prompting import load_prompts
from racro_eval.store.columns import REASONING_COLUMNS
from tests.support.benchmarks import make_json_benchmark
from tests.support.results import only, read_csv, read_json, stage_files, timeless

Reply = Callable[[Request], str]


class Recorder:
    """Stands where engines are made: counts loads and keeps the requests that were sent."""

    def __init__(self, reply: Reply | None = None) -> None:
        self.loads: list[str] = []
        self.requests: list[tuple[str, Request]] = []
        self.reply = reply

    def __call__(self, entry: ModelEntry, engine: str, max_images: int) -> Engine:
        self.loads.append(entry.name)
        return _Recording(entry, self)


class _Recording(EchoEngine):
    def __init__(self, entry: ModelEntry, recorder: Recorder) -> None:
        super().__init__(entry, reply=recorder.reply)
        self.name, self.recorder = entry.name, recorder

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        def seen() -> Iterator[Request]:
            for request in requests:
                self.recorder.requests.append((self.name, request))
                yield request

        return super().stream(seen())


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Recorder]:
    def start(reply: Reply | None = None) -> Recorder:
        recorder = Recorder(reply)
        monkeypatch.setattr(group_runner, "create_engine", recorder)
        return recorder

    return start


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_json_benchmark(tmp_path / "data", 12)


def settings(path: Path, **more: Any) -> RunConfig:
    base = {
        "data": [str(path)],
        "mllm": ["echo:m"],
        "reasoner": ["echo:r"],
        "data_root": path.parent,
        "results": path.parent.parent / "results",
    }
    return RunConfig.model_validate({**base, **more})


def results(path: Path) -> Path:
    return path.parent.parent / "results"


def go(path: Path, **more: Any) -> RunReport:
    return run(settings(path, **more), Display(Console(file=io.StringIO())))


class TestFiles:
    def test_a_run_writes_captions_tentative_answers_reasoning_verdicts_and_sidecars(
        self, small: Path
    ) -> None:
        report = go(small)
        assert report.exit_code(0) == 0
        names = sorted(
            str(path.relative_to(results(small))) for path in results(small).rglob("*.*")
            if not path.name.startswith(".")
        )  # fmt: skip
        folders = {name.rpartition("/")[0] for name in names}
        assert folders == {"Small", "Small/m", "Small/m/r"} - {"Small"}
        assert [name.rpartition("/")[2].replace(key_of(name), "KEY") for name in names] == [
            "caption-KEY.csv",
            "caption-KEY.json",
            "qcap+sol-KEY.csv",
            "qcap+sol-KEY.graded.csv",
            "qcap+sol-KEY.graded.json",
            "qcap+sol-KEY.json",
            "tentative-KEY.csv",
            "tentative-KEY.graded.csv",
            "tentative-KEY.graded.json",
            "tentative-KEY.json",
        ]

    def test_rows_are_in_the_benchmarks_order_though_engines_finish_in_another(
        self, small: Path
    ) -> None:
        go(small)
        for path in stage_files(results(small)):
            assert [row["index"] for row in read_csv(path)] == [str(i) for i in range(1, 13)]

    def test_a_reasoning_row_has_all_columns_filled(self, small: Path) -> None:
        go(small)
        rows = read_csv(only(results(small), "qcap+sol"))
        assert tuple(rows[0]) == REASONING_COLUMNS
        caption = read_csv(only(results(small), "caption"))[0]["prediction"]
        assert rows[0]["caption_sha256"] == hashlib.sha256(caption.encode()).hexdigest()
        assert rows[0]["finish_reason"] == "stop"
        assert rows[0]["error"] == ""
        assert int(rows[0]["completion_tokens"]) > 0
        assert int(rows[0]["seed"]) >= 0
        assert len({row["seed"] for row in rows}) == 12, "every row draws with its own seed"

    def test_the_sidecar_tells_where_the_file_comes_from(self, small: Path) -> None:
        go(small)
        path = only(results(small), "qcap+sol")
        sidecar = read_json(path)
        assert sidecar["key"] in path.name
        assert sidecar["labels"]["reasoner"] == "r"
        assert sidecar["parents"]["caption"]["key"] in only(results(small), "caption").name
        assert sidecar["rows"] == 12
        assert sidecar["settings"]["sampling"]["temperature"] == 0.6
        (one,) = sidecar["runs"]
        assert (one["total"], one["new"], one["cached"], one["failed"]) == (12, 12, 0, 0)
        assert one["racro_eval"] and one["versions"] == {"echo": "1"}
        assert one["completion_tokens"] > 0
        assert "process" not in sidecar

    def test_graded_rows_carry_the_breakdowns(self, small: Path) -> None:
        report = go(small)
        graded = read_csv(report.graded[0])
        assert graded[0]["subject"] == "counting"
        assert {row["status"] for row in graded} <= {"correct", "incorrect"}


def key_of(name: str) -> str:
    return name.rpartition("-")[2].partition(".")[0]


class TestPrompts:
    """The exact requests that reach an engine."""

    def test_of_the_default_variant(self, small: Path, record: Callable[..., Recorder]) -> None:
        recorder = record(lambda request: f"said of {len(request.images)} images")
        go(small, limit=1)
        (_, caption), (_, tentative), (_, joint) = recorder.requests
        prompts = load_prompts("racro")
        question = load_benchmark(str(small), data_root=small.parent)["1"].question
        short = question.rpartition("\n")[0] + "\n"
        assert caption.messages == prompts["caption"].render(question=question)
        assert tentative.messages == prompts["tentative"].render(question=short)
        assert joint.messages == prompts["joint"].render(
            question=short, caption="said of 1 images", tentative="said of 1 images"
        )
        assert len(caption.images) == len(tentative.images) == 1
        assert joint.images == ()
        assert (caption.sampling.temperature, caption.sampling.max_tokens) == (0.0, 8192)
        assert (joint.sampling.temperature, joint.sampling.top_p) == (0.6, 0.95)
        assert caption.sampling.seed is None and joint.sampling.seed is not None

    def test_caption_and_tentative_answer_of_an_image_follow_each_other(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        recorder = record()
        go(small)
        images = [request.images[0].name for name, request in recorder.requests if name == "m"]
        assert images[0::2] == images[1::2]

    @pytest.mark.parametrize(
        ("variant", "calls", "role"),
        [
            ("qa", ["tentative"], None),
            ("none", [], "question_only"),
            ("cap", ["generic_caption"], "caption_only"),
            ("qcap", ["caption"], "caption_only"),
            ("sol", ["tentative"], "tentative_only"),
            ("cap+sol", ["generic_caption", "tentative"], "joint"),
            ("qcap+sol", ["caption", "tentative"], "joint"),
        ],
    )
    def test_of_every_variant(
        self,
        small: Path,
        record: Callable[..., Recorder],
        variant: str,
        calls: list[str],
        role: str | None,
    ) -> None:
        recorder = record(lambda request: "R")
        go(small, limit=1, variant=variant)
        prompts = load_prompts("racro")
        question = load_benchmark(str(small), data_root=small.parent)["1"].question
        short = question.rpartition("\n")[0] + "\n"
        expected = [
            prompts[call].render(question=short if call == "tentative" else question)  # type: ignore[index]
            for call in calls
        ]
        if role:
            expected.append(prompts[role].render(question=short, caption="R", tentative="R"))  # type: ignore[index]
        assert [request.messages for _, request in recorder.requests] == expected

    def test_a_row_without_an_image_takes_the_text_only_prompt_and_skips_the_mllm(
        self, tmp_path: Path, record: Callable[..., Recorder]
    ) -> None:
        path = make_json_benchmark(tmp_path / "data", 2, without_image=(2,))
        recorder = record()
        go(path)
        by_model = {"m": 0, "r": 0}
        for name, _ in recorder.requests:
            by_model[name] += 1
        assert by_model == {"m": 2, "r": 2}
        text_only = load_prompts("racro")["text_only"]
        question = load_benchmark(str(path), data_root=path.parent)["2"].question
        expected = text_only.render(question=question.rpartition("\n")[0] + "\n")
        assert expected in [request.messages for _, request in recorder.requests]
        (row,) = [r for r in read_csv(only(results(path), "qcap+sol")) if r["index"] == "2"]
        assert row["caption_sha256"] == row["tentative_sha256"] == ""

    def test_the_mllms_own_score_counts_rows_without_an_image(self, tmp_path: Path) -> None:
        path = make_json_benchmark(tmp_path / "data", 2, without_image=(2,))
        go(path, variant="qa")
        assert [row["index"] for row in read_csv(only(results(path), "tentative"))] == ["1", "2"]

    def test_a_model_may_want_no_system_prompt(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        recorder = record()
        own = [{"name": "bare", "model": "bare", "engine": "echo", "system_prompt": False}]
        go(small, limit=1, reasoner="bare", models=own)
        roles = {name: [m.role for m in request.messages] for name, request in recorder.requests}
        assert roles == {"m": ["system", "user"], "bare": ["user"]}

    def test_a_models_own_sampling_wins(self, small: Path, record: Callable[..., Recorder]) -> None:
        recorder = record()
        own = [
            {
                "name": "cold",
                "model": "c",
                "engine": "echo",
                "sampling": {"temperature": 0, "max_tokens": 9},
            }
        ]
        go(small, limit=1, reasoner="cold", models=own)
        sampling = recorder.requests[-1][1].sampling
        assert (sampling.temperature, sampling.max_tokens, sampling.top_p) == (0, 9, 0.95)
        assert sampling.seed is None


class TestReuse:
    """What is done is not done again; what has changed is."""

    def test_the_same_run_again_loads_no_model_and_changes_no_file(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        go(small)
        before = {path: path.read_bytes() for path in results(small).rglob("*.*")}
        recorder = record()
        report = go(small)
        assert recorder.loads == []
        assert (report.new, report.cached) == (0, 36)
        assert {path: path.read_bytes() for path in results(small).rglob("*.*")} == before

    def test_each_model_is_loaded_once_for_all_benchmarks_and_variants(
        self, tmp_path: Path, record: Callable[..., Recorder]
    ) -> None:
        first = make_json_benchmark(tmp_path / "data", 4)
        second = make_json_benchmark(tmp_path / "more", 4, name="Other")
        second.write_text(second.read_text().replace("small/", "../more/small/"))
        (tmp_path / "data" / "more").symlink_to(tmp_path / "more")
        recorder = record()
        go(
            first,
            data=[str(first), str(second)],
            mllm=["echo:m", "echo:n"],
            reasoner=["echo:r", "echo:s"],
            variant=["qa", "qcap", "qcap+sol"],
        )
        assert recorder.loads == ["m", "n", "r", "s"]

    def test_a_new_reasoner_costs_one_text_only_pass(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        go(small)
        recorder = record()
        go(small, reasoner=["echo:r", "echo:another"])
        assert recorder.loads == ["another"]
        assert all(not request.images for _, request in recorder.requests)

    def test_a_larger_limit_asks_only_for_the_rows_that_are_new(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        go(small, limit=5)
        recorder = record()
        go(small, limit=7)
        assert len(recorder.requests) == 6
        assert len(stage_files(results(small))) == 3, "the limit is not part of the key"

    def test_samples_are_further_rows_with_their_own_seeds(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        go(small)
        recorder = record()
        go(small, samples=3)
        assert [name for name, _ in recorder.requests] == ["r"] * 24
        rows = read_csv(only(results(small), "qcap+sol"))
        assert [row["sample"] for row in rows[:3]] == ["0", "1", "2"]
        assert len({row["seed"] for row in rows}) == 36

    @pytest.mark.parametrize(
        ("change", "files", "why"),
        [
            ({"seed": 7}, {"qcap+sol"}, "greedy stages draw nothing"),
            ({"prompts": "rapid"}, {"qcap+sol"}, "the MLLM's prompts are the same in this set"),
            ({"prompts": "racro2-release"}, {"tentative", "qcap+sol"}, "the captions' is the same"),
            ({"mllm": "echo:n"}, {"caption", "tentative", "qcap+sol"}, "other texts"),
            ({"answerer": "echo:n"}, {"tentative", "qcap+sol"}, "other tentative answers"),
            ({"variant": "qcap"}, {"qcap"}, "another input"),
            ({"tp": 2}, set(), "how it is run does not change the text"),
            ({"max_failures": 3}, set(), "nor does this"),
        ],
    )
    def test_settings_that_change_the_text_never_share_a_file(
        self, small: Path, change: dict[str, Any], files: set[str], why: str
    ) -> None:
        go(small)
        before = set(stage_files(results(small)))
        go(small, **change)
        new = set(stage_files(results(small))) - before
        assert {path.stem.rpartition("-")[0] for path in new} == files, why

    def test_a_changed_caption_asks_the_reasoner_again_for_its_row_only(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        go(small)
        path = only(results(small), "caption")
        old = read_csv(path)[3]["prediction"]
        path.write_bytes(path.read_bytes().replace(old.encode(), b"changed", 1))
        recorder = record()
        go(small)
        assert [name for name, _ in recorder.requests] == ["r"]
        assert "changed" in recorder.requests[0][1].messages[-1].content
        rows = read_csv(only(results(small), "qcap+sol"))
        assert len(rows) == 12
        assert rows[3]["caption_sha256"] == hashlib.sha256(b"changed").hexdigest()

    def test_a_changed_image_asks_the_mllm_again_for_its_row_only(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        go(small)
        images = small.parent / "small" / "images"
        (images / "2.png").write_bytes((images / "3.png").read_bytes())
        recorder = record()
        go(small)
        assert [name for name, _ in recorder.requests if name == "m"] == ["m", "m"]

    def test_a_corrected_gold_answer_changes_verdicts_and_asks_no_model(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        go(small)
        data = small.parent / "small" / "rows.jsonl"
        wrong = read_csv(go(small).graded[0])[1]
        said = wrong["extracted"]
        data.write_text(data.read_text().replace('"answer": "2"', f'"answer": "{said}"'))
        recorder = record()
        graded = read_csv(go(small).graded[0])[1]
        assert recorder.loads == []
        assert (graded["answer"], graded["status"]) == (said, "correct")

    def test_hand_removed_rows_are_asked_for_again(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        go(small)
        whole = timeless(results(small))
        path = only(results(small), "tentative")
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:3] + lines[5:]))
        recorder = record()
        go(small)
        assert [name for name, _ in recorder.requests] == ["m", "m"]
        assert timeless(results(small)) == whole


def test_the_mark_of_a_run_that_was_killed_after_its_last_row_is_cleared(small: Path) -> None:
    go(small)
    path = only(results(small), "caption")
    sidecar = read_json(path)
    sidecar.pop("runs")
    process = {"pid": 1, "host": "h", "started_at": "t"}
    path.with_suffix(".json").write_text(json.dumps({**sidecar, "runs": [], "process": process}))
    go(small)
    assert "process" not in read_json(path)
    assert read_json(path)["runs"] == [{**process, "interrupted": True}]


class TestFailures:
    """One bad row never stops a run; failed rows are tried again by the next."""

    def test_an_unreadable_image_fails_its_rows_and_the_run_goes_on(self, small: Path) -> None:
        (small.parent / "small" / "images" / "4.png").unlink()
        (small.parent / "small" / "images" / "5.png").write_bytes(b"no image")
        report = go(small)
        assert report.failed == 6
        assert report.exit_code(0) == 1
        assert report.exit_code(6) == 0
        errors = {r["index"]: r["error"] for r in read_csv(only(results(small), "caption"))}
        assert "4.png cannot be read: No such file" in errors["4"]
        assert "5.png cannot be decoded" in errors["5"]
        assert errors["6"] == ""
        rows = {r["index"]: r for r in read_csv(only(results(small), "qcap+sol"))}
        assert "The caption of row 4 failed: " in rows["4"]["error"]
        graded = {row["index"]: row for row in read_csv(report.graded[-1])}
        assert graded["4"]["status"] == "error"
        assert graded["4"]["correct"] == "0"

    def test_no_model_is_loaded_for_rows_that_cannot_be_asked_for(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        for image in (small.parent / "small" / "images").iterdir():
            image.unlink()
        recorder = record()
        report = go(small)
        assert recorder.loads == []
        assert report.failed == 36
        assert len(read_csv(only(results(small), "caption"))) == 12

    def test_a_row_that_can_be_read_again_when_no_model_is_loaded_for_it_has_failed(
        self, small: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go(small)
        image = small.parent / "small" / "images" / "4.png"
        content = image.read_bytes()
        image.write_bytes(content + b" ")  # three rows that are to be asked for again

        def count(jobs: Any) -> int | None:
            image.unlink()
            most = count_rows(jobs)
            image.write_bytes(content + b" ")
            return most

        count_rows = group_runner.count_rows
        monkeypatch.setattr(group_runner, "count_rows", count)
        report = go(small)
        monkeypatch.undo()
        assert (report.exit_code(0), report.failed) == (1, 3)
        assert "could not be read" in report.first_error
        report = go(small)
        assert (report.exit_code(0), report.failed, report.new) == (0, 0, 3)

    def test_an_image_that_goes_while_the_model_loads_fails_its_rows(
        self, small: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def load(entry: ModelEntry, engine: str, max_images: int) -> Engine:
            (small.parent / "small" / "images" / "4.png").unlink(missing_ok=True)
            return EchoEngine(entry)

        monkeypatch.setattr(group_runner, "create_engine", load)
        report = go(small)
        assert report.failed == 3
        errors = {r["index"]: r["error"] for r in read_csv(only(results(small), "caption"))}
        assert [index for index, error in errors.items() if error] == ["4"]
        assert len(errors) == 12

    def test_failed_rows_are_tried_again(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        def sometimes(request: Request) -> str:
            if "picture 7" in request.messages[-1].content and not request.images:
                raise TimeoutError("the server is away")
            return "\\boxed{1}"

        record(sometimes)
        report = go(small)
        assert report.failed == 1
        (row,) = [r for r in read_csv(only(results(small), "qcap+sol")) if r["error"]]
        assert (row["index"], row["prediction"]) == ("7", "")
        assert row["error"] == "TimeoutError: the server is away"
        recorder = record(lambda request: "\\boxed{1}")
        report = go(small)
        assert len(recorder.requests) == 1
        assert report.failed == 0
        assert len(read_csv(only(results(small), "qcap+sol"))) == 12

    def test_a_dead_engine_keeps_its_rows_and_the_other_models_go_on(
        self, small: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Dying(EchoEngine):
            def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
                for number, completion in enumerate(super().stream(requests)):
                    if number == 5:
                        raise EngineError("The engine of dying died: out of memory.")
                    yield completion

        def create(entry: ModelEntry, engine: str, max_images: int) -> Engine:
            return Dying(entry) if entry.name == "dying" else EchoEngine(entry)

        monkeypatch.setattr(group_runner, "create_engine", create)
        report = go(small, mllm=["echo:dying", "echo:m"], reasoner=["echo:r", "echo:dying"])
        assert [str(error) for error in report.errors] == [
            "The engine of dying died: out of memory."
        ] * 2
        assert report.exit_code(99) == 3
        rows = {
            str(path.parent.relative_to(results(small))): len(read_csv(path))
            for path in stage_files(results(small))
            if "caption" not in path.name
        }
        assert rows == {"Small/dying": 3, "Small/m": 12, "Small/m/r": 12, "Small/m/dying": 5}

    def test_an_engine_that_is_not_installed_is_said_once(
        self, small: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def create(entry: ModelEntry, engine: str, max_images: int) -> Engine:
            raise MissingError("pip install it")

        monkeypatch.setattr(group_runner, "create_engine", create)
        report = go(small)
        assert [str(error) for error in report.errors] == ["pip install it"]
        assert report.exit_code(0) == 3
        assert report.graded == []

    def test_ctrl_c_keeps_what_is_finished(
        self, small: Path, monkeypatch: pytest.MonkeyPatch, record: Callable[..., Recorder]
    ) -> None:
        calls = 0

        def interrupted(request: Request) -> str:
            nonlocal calls
            calls += 1
            if calls == 10:
                raise KeyboardInterrupt
            return "\\boxed{1}"

        record(interrupted)
        with pytest.raises(KeyboardInterrupt):
            go(small)
        recorder = record(lambda request: "\\boxed{1}")
        go(small)
        assert len([name for name, _ in recorder.requests if name == "m"]) == 24 - 9
        runs = read_json(only(results(small), "tentative"))["runs"]
        assert sum(one["new"] for one in runs) == 12


class TestASweepGoesOn:
    """What goes wrong with one model, benchmark or file ends its own work only."""

    OWN: ClassVar[list[dict[str, Any]]] = [
        {"name": "good", "model": "good", "engine": "echo"},
        {"name": "misspelt", "model": "x", "engine": "echo", "options": {"wimdow": 3}},
        {"name": "nowhere", "model": "/nowhere/at/all", "engine": "transformers"},
        {"name": "unknown", "model": "org/unknown", "engine": "transformers"},
        {"name": "no id", "model": "a b", "engine": "transformers"},
        {"name": "cut", "model": "x", "engine": "echo", "tp": 2},
    ]

    @pytest.mark.parametrize(
        ("bad", "code", "sentence"),
        [
            ("misspelt", 2, "has no option 'wimdow'"),
            ("nowhere", 3, "There is no model folder /nowhere/at/all"),
            ("unknown", 3, "neither reachable on the hub nor in its local cache"),
            ("no id", 2, "cannot be looked up"),
        ],
    )
    def test_a_reasoner_that_cannot_run_costs_no_other(
        self, small: Path, bad: str, code: int, sentence: str
    ) -> None:
        out = io.StringIO()
        config = settings(small, reasoner=[bad, "good"], models=self.OWN, offline=True)
        report = run(config, Display(Console(file=out, width=500)))
        assert [failure.name for failure in report.failures] == [bad]
        assert sentence in str(report.errors[0])
        assert report.exit_code(0) == code
        assert (report.failures[0].kind, report.models) == ("model", 3)
        assert len(read_csv(report.graded[-1])) == 12
        assert report.graded[-1].parent.name == "good"
        last = out.getvalue().splitlines()[-1]
        assert last.startswith(f"1 of 3 models failed: {bad}: ") and sentence in last
        assert report.notes()[0].startswith(f"Missing: {bad}: ")

    @pytest.mark.parametrize("bad", ["misspelt", "nowhere"])
    def test_an_mllm_that_cannot_run_costs_what_reads_it(self, small: Path, bad: str) -> None:
        report = go(small, mllm=[bad, "good"], reasoner="echo:r", models=self.OWN, offline=True)
        assert [failure.name for failure in report.failures] == [bad]
        assert report.left_out == [f"r over {bad} on Small"]
        assert "because the texts that it reads are missing: r over" in report.notes()[1]
        folders = [str(path.parent.relative_to(results(small))) for path in report.graded]
        assert folders == ["Small/good", "Small/good/r"]

    def test_the_exit_code_is_that_of_the_worst(self, small: Path) -> None:
        names = ["misspelt", "nowhere", "good"]
        report = go(small, reasoner=names, models=self.OWN, offline=True)
        assert [error.exit_code for error in report.errors] == [3, 2]
        assert report.exit_code(0) == 3
        assert next(report.closing()).startswith("2 of 4 models failed: nowhere: ")

    def test_a_name_that_means_nothing_stops_all_before_any_work(self, small: Path) -> None:
        for more in ({"reasoner": ["echo:r", "R1-8"]}, {"data": [str(small), "MathVsion"]}):
            with pytest.raises(UsageError, match="The nearest"):
                go(small, **more)
        assert not results(small).exists()

    def test_nothing_that_can_be_run_is_an_error_of_the_whole(self, small: Path) -> None:
        with pytest.raises(MissingError, match="There is no model folder /nowhere"):
            go(small, mllm="nowhere", models=self.OWN, variant="qa")
        names = ["nowhere", "no id"]
        with pytest.raises(MissingError, match=r"Nothing can be run\. nowhere: .*no id: "):
            go(small, mllm=names, models=self.OWN, variant="qa")

    def test_a_benchmark_whose_file_is_missing_costs_no_other(self, small: Path) -> None:
        other = small.with_name("Other.yaml")
        other.write_text(small.read_text().replace("Small", "Other").replace("small/", "gone/"))
        report = go(small, data=[str(other), str(small)], offline=True)
        assert report.exit_code(0) == 3
        assert (report.failures[0].kind, report.benchmarks) == ("benchmark", 2)
        assert next(report.closing()).startswith("1 of 2 benchmarks failed: ")
        assert len(report.graded) == 2

    @pytest.mark.parametrize("spoilt", ["rows", "sidecar"])
    def test_a_spoilt_file_costs_its_model_no_other_benchmark(
        self, tmp_path: Path, record: Callable[..., Recorder], spoilt: str
    ) -> None:
        first = make_json_benchmark(tmp_path / "data", 4)
        second = tmp_path / "data" / "Second.yaml"
        second.write_text(first.read_text().replace("name: Small", "name: Second"))
        both = {"data": [str(first), str(second)]}
        go(first, **both, limit=2)
        (path,) = (results(first) / "Second" / "m").glob("tentative-????????.csv")
        target = path if spoilt == "rows" else path.with_suffix(".json")
        target.write_text("no file of ours\n")
        recorder = record()
        report = go(first, **both)
        assert recorder.loads == ["m", "r"]
        assert [(one.kind, one.name) for one in report.failures] == [("part", "m on Second")]
        assert isinstance(report.errors[0], CacheError)
        assert report.left_out == ["r over m on Second"]
        assert target.read_text() == "no file of ours\n", "nothing was changed"
        assert len(read_csv(only(results(first) / "Small", "qcap+sol"))) == 4
        assert report.exit_code(0) == 2

    def test_a_bug_that_one_model_meets_is_told_and_the_others_go_on(
        self, small: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def create(entry: ModelEntry, engine: str, max_images: int) -> Engine:
            if entry.name == "r":
                raise ZeroDivisionError("division by zero")
            return EchoEngine(entry)

        monkeypatch.setattr(group_runner, "create_engine", create)
        report = go(small, reasoner=["echo:r", "echo:s"])
        assert "bug in racro-eval: ZeroDivisionError: division by zero" in str(report.errors[0])
        assert isinstance(report.errors[0].__cause__, ZeroDivisionError)
        assert report.exit_code(0) == 70
        assert report.graded[-1].parent.name == "s"

    @pytest.mark.parametrize(
        ("error", "code", "sentence"),
        [
            (OSError(errno.ENOSPC, "No space left on device"), 2, "Free some space"),
            (OSError(errno.EMFILE, "Too many open files"), 3, "ulimit -n"),
            (MemoryError(), 3, "not enough memory"),
            (RecursionError(), 2, "nested too deeply"),
            (SystemExit(1), 70, "bug"),
        ],
    )
    def test_what_no_module_foresees_is_a_sentence(
        self,
        small: Path,
        monkeypatch: pytest.MonkeyPatch,
        error: BaseException,
        code: int,
        sentence: str,
    ) -> None:
        def create(entry: ModelEntry, engine: str, max_images: int) -> Engine:
            if entry.name == "r":
                raise error
            return EchoEngine(entry)

        monkeypatch.setattr(group_runner, "create_engine", create)
        report = go(small, reasoner=["echo:r", "echo:s"])
        assert report.exit_code(0) == code
        assert sentence in str(report.errors[0])
        assert report.graded[-1].parent.name == "s"
        assert all("process" not in read_json(path) for path in stage_files(results(small)))


class TestVerdicts:
    """A model's answers are graded as soon as they are there."""

    def test_a_run_that_ends_in_the_last_model_has_verdicts_on_all_before(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        def reply(request: Request) -> str:
            if recorder.loads[-1] == "s":
                raise KeyboardInterrupt
            return "\\boxed{1}"

        recorder = record(reply)
        with pytest.raises(KeyboardInterrupt):
            go(small, reasoner=["echo:r", "echo:s"])
        graded = sorted(path.parent.name for path in results(small).rglob("*.graded.csv"))
        assert graded == ["m", "r"]

    def test_no_file_is_graded_twice(self, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        graded: list[Path] = []

        def counted(table: Any, *more: Any) -> Path:
            graded.append(table.path)
            return grade_file(table, *more)

        grade_file = execution.grade_file
        monkeypatch.setattr(execution, "grade_file", counted)
        report = go(small, reasoner=["echo:r", "echo:s"])
        assert len(graded) == len(set(graded)) == len(report.graded) == 3

    def test_a_file_that_cannot_be_graded_stops_no_other(
        self, small: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def sometimes(table: Any, *more: Any) -> Path:
            if "tentative" in table.path.name:
                raise OSError(errno.EIO, "Input/output error")
            return grade_file(table, *more)

        grade_file = execution.grade_file
        monkeypatch.setattr(execution, "grade_file", sometimes)
        report = go(small)
        assert [path.parent.name for path in report.graded] == ["r"]
        assert "tentative" in report.failures[0].name
        assert "Input/output error. Check the disk" in str(report.errors[0])
        assert next(report.closing()).startswith("1 part failed: ")

    def test_the_judge_is_loaded_once_at_the_end_and_its_failure_costs_no_verdict(
        self, small: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loads: list[str] = []

        def create(entry: ModelEntry, engine: str, max_images: int) -> Engine:
            loads.append(entry.name)
            if entry.name == "j":
                raise EngineError("The judge is away.")
            return EchoEngine(entry, reply=lambda request: "I do not know.")

        monkeypatch.setattr(group_runner, "create_engine", create)
        report = go(small, reasoner=["echo:r", "echo:s"], judge="echo:j")
        assert loads == ["m", "r", "s", "j"]
        assert [str(failure) for failure in report.failures] == ["j: The judge is away."]
        assert len(report.graded) == 3, "by the rules"


class TestLoading:
    def test_a_model_that_loads_for_long_is_mentioned(
        self, small: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(display, "LOADING_SECONDS", 0.01)
        out = io.StringIO()

        def create(entry: ModelEntry, engine: str, max_images: int) -> Engine:
            current_loading().log_line = lambda: "reading\x1b[31m shard 3 of 9 " + "." * 300
            while "still loading" not in out.getvalue():
                time.sleep(0.01)
            return EchoEngine(entry)

        monkeypatch.setattr(group_runner, "create_engine", create)
        run(settings(small, variant="qa"), Display(Console(file=out, width=2000)))
        line = next(line for line in out.getvalue().splitlines() if "still loading" in line)
        assert line.startswith("m is still loading after ")
        assert "The last line of its log: reading shard 3 of 9 ..." in line
        assert len(line) < 300 and line.endswith("…")

    @pytest.mark.parametrize("thread", [False, True], ids=["main thread", "another thread"])
    def test_a_model_that_does_not_load_in_time_is_given_up(
        self, small: Path, monkeypatch: pytest.MonkeyPatch, thread: bool
    ) -> None:
        def create(entry: ModelEntry, engine: str, max_images: int) -> Engine:
            if entry.name != "r":
                return EchoEngine(entry)
            for _ in range(6000):
                time.sleep(0.01)
                if thread:
                    current_loading().check()  # as the engines do that wait for a process
            raise AssertionError("it was waited for")

        monkeypatch.setattr(group_runner, "create_engine", create)
        reports: list[RunReport] = []

        def work() -> None:
            reports.append(go(small, reasoner=["echo:r", "echo:s"], load_timeout=0.2))

        if thread:
            other = threading.Thread(target=work)
            other.start()
            other.join()
        else:
            before = signal.getsignal(signal.SIGALRM)
            work()
            assert signal.getsignal(signal.SIGALRM) is before
            assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        (report,) = reports
        sentence = r"r was still loading after \d+ s, the limit of --load-timeout"
        assert re.match(sentence, str(report.errors[0]))
        assert isinstance(report.errors[0], EngineError)
        assert report.graded[-1].parent.name == "s"

    def test_a_stage_in_which_nothing_is_finished_for_long_says_so(
        self, small: Path, monkeypatch: pytest.MonkeyPatch, record: Callable[..., Recorder]
    ) -> None:
        monkeypatch.setattr(display, "SILENCE_SECONDS", 0.01)
        out = io.StringIO()

        def slow(request: Request) -> str:
            while "no row has been finished for" not in out.getvalue():
                time.sleep(0.01)
            return "\\boxed{1}"

        record(slow)
        run(settings(small, variant="qa"), Display(Console(file=out, width=500)))
        assert "perceive m: no row has been finished for 0 s." in out.getvalue()


class TestSettingsThatContradict:
    @pytest.mark.parametrize(
        ("more", "error", "sentence"),
        [
            ({"reasoner": []}, UsageError, "No reasoner was given"),
            ({"caption_file": "x", "mllm": ["a", "b"]}, ConfigError, "--caption-file contains one"),
            ({"tentative_file": "x", "answerer": "a"}, ConfigError, "both define where"),
            ({"tentative_file": "x", "variant": "qa"}, ConfigError, "racro-eval grade"),
            ({"engine": "vlm", "mllm": "org/m"}, UsageError, "There is no engine 'vlm'"),
            ({"caption_file": "/nowhere.csv", "variant": "qcap"}, MissingError, "There is no file"),
        ],
    )
    def test_is_said(
        self, small: Path, more: dict[str, Any], error: type[Exception], sentence: str
    ) -> None:
        with pytest.raises(error, match=sentence):
            go(small, **more)


def test_a_benchmark_may_bring_the_models_that_a_run_without_any_takes(tmp_path: Path) -> None:
    path = make_json_benchmark(tmp_path, 2)
    path.write_text(path.read_text() + "default_mllm: echo:a\ndefault_reasoners: ['echo:b']\n")
    bare = {"data": [str(path)], "data_root": tmp_path, "results": tmp_path / "results"}

    def folders(**more: Any) -> set[str]:
        run(RunConfig.model_validate({**bare, **more}), Display(Console(file=io.StringIO())))
        files = stage_files(tmp_path / "results")
        return {str(file.parent.relative_to(tmp_path / "results")) for file in files}

    assert folders() == {"Small/a", "Small/a/b"}
    with pytest.raises(UsageError, match="--reasoner"):
        folders(mllm=["echo:c"])
    assert folders(mllm=["echo:c"], reasoner=["echo:d"]) >= {"Small/c", "Small/c/d"}


class TestThoughts:
    """Captions and tentative answers of models that think before they speak."""

    CLOSED = "<think>\nIs it \\boxed{99}?\n</think>\n\nA picture."
    CHANNELS = (
        "<|channel|>analysis<|message|>Is it \\boxed{99}?<|end|>"
        "<|start|>assistant<|channel|>final<|message|>A picture.<|return|>"
    )
    OPEN = "<think>Is it \\boxed{99}? Let me see"

    @pytest.mark.parametrize("said", [CLOSED, CHANNELS])
    def test_the_reasoner_reads_the_answer_alone(
        self, small: Path, record: Callable[..., Recorder], said: str
    ) -> None:
        plain = record(lambda request: "A picture.")
        go(small, results=small.parent / "plain")
        thinking = record(lambda request: said)
        go(small, results=small.parent / "thinking")

        def asked(recorder: Recorder) -> list[str]:
            reasoner = (request for name, request in recorder.requests if name == "r")
            return [request.messages[-1].content for request in reasoner]

        assert asked(thinking) == asked(plain)
        assert len(asked(plain)) == 12

    def test_the_raw_text_stays_in_the_file(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        record(lambda request: self.CLOSED)
        go(small)
        assert {row["prediction"] for row in read_csv(only(results(small), "caption"))} == {
            self.CLOSED
        }

    def test_of_a_thought_without_an_end_nothing_is_handed_on_and_the_row_is_asked_for(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        recorder = record(lambda request: self.OPEN if request.images else "\\boxed{1}")
        report = go(small)
        assert report.failed == 0
        asked = [request for name, request in recorder.requests if name == "r"]
        assert len(asked) == 12
        assert not any("99" in request.messages[-1].content for request in asked)

    def test_such_rows_count_as_truncated(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        record(lambda request: self.OPEN if request.images else "\\boxed{1}")
        go(small, variant=["qa", "qcap+sol"])
        for stem in ("caption", "tentative"):
            (run_of_it,) = read_json(only(results(small), stem))["runs"]
            assert run_of_it["truncated"] == 12
        graded = only(results(small), "tentative").with_suffix(".graded.csv")
        assert {row["status"] for row in read_csv(graded)} == {"truncated"}

    def test_the_diagnosis_shows_them_by_themselves(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        def reply(request: Request) -> str:
            cut = "picture 3?" in request.messages[-1].content and bool(request.images)
            return self.OPEN if cut else "\\boxed{1}"

        record(reply)
        go(small, reasoner=["echo:r1", "echo:r2"])
        (found,) = groups(build_table(collect(find_graded(results(small)))))
        assert found.strata["caption cut"] == ("3",)

    def test_a_file_of_texts_hands_on_its_answers_too(
        self, small: Path, record: Callable[..., Recorder]
    ) -> None:
        recorder = record()
        file = small.parent / "released.csv"
        lines = "".join(f'{i},"{self.CLOSED}"\n' for i in range(1, 13))
        file.write_text("index,prediction\n" + lines)
        go(small, caption_file=file, tentative_file=file)
        read = [request.messages[-1].content for _, request in recorder.requests]
        assert all("A picture." in text and "99" not in text for text in read)


class TestOwnTexts:
    """--caption-file and --tentative-file: the released outputs of others work unchanged."""

    def texts(self, path: Path, count: int = 12) -> Path:
        lines = "".join(f'{i},"caption {i}\nof it",extra\n' for i in range(1, count + 1))
        path.write_text("index,prediction,more\n" + lines)
        return path

    def test_stand_in_for_the_mllm(self, small: Path, record: Callable[..., Recorder]) -> None:
        recorder = record()
        file = self.texts(small.parent / "released.csv", 11)
        config = {"caption_file": file, "tentative_file": file}
        report = run(
            RunConfig.model_validate(
                {
                    "data": [str(small)],
                    "reasoner": ["echo:r"],
                    "data_root": small.parent,
                    "results": results(small),
                    **config,
                }
            ),
            Display(Console(file=io.StringIO())),
        )
        assert recorder.loads == ["r"]
        assert "caption 3\nof it" in recorder.requests[2][1].messages[-1].content
        assert report.failed == 1, "row 12 has no text"
        path = only(results(small), "qcap+sol")
        assert path.parent == results(small) / "Small" / "released" / "r"
        assert "has no row with index 12" in read_csv(path)[-1]["error"]

    def test_another_file_is_another_key(self, small: Path) -> None:
        file = self.texts(small.parent / "released.csv")
        go(small, caption_file=file)
        file.write_text(file.read_text().replace("caption 3", "Caption 3"))
        go(small, caption_file=file)
        found = [p for p in stage_files(results(small)) if p.name.startswith("qcap+sol")]
        assert len(found) == 2

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ("index,text\n1,a\n", "has no column 'prediction'; its columns are: index, text"),
            ("index,prediction\n1,a\n1,b\n", "duplicate index '1'"),
            (b"index,prediction\n1,\xff\n", "is not a readable CSV"),
            ("", "has no column 'index'"),
        ],
    )
    def test_a_wrong_file(self, small: Path, content: str | bytes, sentence: str) -> None:
        file = small.parent / "wrong.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(Exception, match=sentence):
            go(small, caption_file=file, variant="qcap")


def test_no_secret_and_no_home_path_reaches_a_sidecar(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = ["racro-eval", "--mllm", "openai:m@http://user:secret@host/v1"]
    monkeypatch.setattr("sys.argv", [*argv, str(Path.home() / "data"), str(Path.home())])
    go(small, limit=1)
    text = json.dumps(read_json(only(results(small), "caption")))
    assert "secret" not in text
    assert str(Path.home()) + "/" not in text
    assert "http://host/v1" in text and "~/data" in text


def test_the_progress_names_stages_rows_and_files(small: Path) -> None:
    out = io.StringIO()
    run(settings(small), Display(Console(file=out, width=500)))
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("perceive m: 24 rows, 0 cached → ")
    assert lines[1].startswith("perceive m: 24/24 rows, ")
    assert lines[2].startswith("reason r: 12 rows, 0 cached → ")
    assert lines[2].endswith(only(results(small), "qcap+sol").name)


def test_the_progress_moves_on_a_terminal(small: Path) -> None:
    out = io.StringIO()
    run(settings(small), Display(Console(file=out, width=120, force_terminal=True)))
    assert "24/24" in out.getvalue()
    assert "tokens/s" in out.getvalue()


def test_engine_info_is_what_the_report_says() -> None:
    engine = EchoEngine(ModelEntry(name="m", model="m"))
    assert engine.info == EngineInfo("echo", "m", {"echo": "1"})
