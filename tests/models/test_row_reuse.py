"""Runs against servers on loopback: which cached rows are reused, and the hints about others."""

from __future__ import annotations

import io
import re
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from racro_eval import RunConfig, RunReport, run
from racro_eval.engines.base import EngineInfo
from racro_eval.engines.echo import EchoEngine
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import EngineError
from racro_eval.pipeline import group_runner, locating
from racro_eval.pipeline.display import Display
from tests.support.benchmarks import make_json_benchmark
from tests.support.listing_server import ListingServer, models
from tests.support.results import read_csv, read_json, stage_files

if not (find_spec("httpx2") or find_spec("openai")):
    pytest.skip("the extra `openai` is not installed", allow_module_level=True)

LONG_AGO = 1_677_610_602
ROWS = 4


class Runs:
    """Runs of one benchmark into one folder; `said` is what the last one printed."""

    def __init__(self, folder: Path) -> None:
        self.benchmark = make_json_benchmark(folder / "data", ROWS)
        self.results = folder / "results"
        self.said = ""

    def __call__(self, *servers: ListingServer, url: str = "", **entry: Any) -> RunReport:
        """One model on the benchmark, as its own score: tentative answers only."""
        address = url or servers[0].url
        settings = {"name": "m", "model": "m", "engine": "openai", "base_url": address, **entry}
        return self.go(mllm=["m"], variant=["qa"], models=[settings])

    def go(self, **config: Any) -> RunReport:
        out = io.StringIO()
        base = {"data": [str(self.benchmark)], "data_root": self.benchmark.parent}
        settings = RunConfig.model_validate({**base, "results": self.results, **config})
        try:
            return run(settings, Display(Console(file=out, width=1000)))
        finally:
            self.said = out.getvalue()

    def texts(self) -> list[set[str]]:
        """The distinct answers in each file."""
        return [{row["prediction"] for row in read_csv(p)} for p in stage_files(self.results)]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setattr(locating, "DEFAULT_WAIT_S", 0.0)
    return Runs(tmp_path)


def test_two_servers_with_one_name_have_rows_of_their_own(runs: Runs) -> None:
    with ListingServer(says="1") as first, ListingServer(says="2") as second:
        assert runs(first).new == ROWS
        assert runs(second).new == ROWS
        assert second.chats == ROWS
        assert runs(first).new == runs(second).new == 0
    assert runs.texts() == [{"The answer is \\boxed{1}."}, {"The answer is \\boxed{2}."}] or (
        runs.texts() == [{"The answer is \\boxed{2}."}, {"The answer is \\boxed{1}."}]
    )


@pytest.mark.parametrize(
    "other", [{"root": "org/B"}, {"created": LONG_AGO + 60}, {"meta": {"size": 2}}]
)
def test_a_server_that_was_started_with_other_weights_has_rows_of_its_own(
    runs: Runs, other: dict[str, Any]
) -> None:
    first = {"root": "org/A", "created": LONG_AGO, "meta": {"size": 1}}
    with ListingServer(lambda: models(**first)) as server:
        assert runs(server).new == ROWS
        assert runs(server).new == 0
        server.listing = lambda: models(**{**first, **other})
        assert runs(server).new == ROWS


def test_a_server_whose_created_is_the_time_of_the_question_keeps_its_rows(runs: Runs) -> None:
    with ListingServer(lambda: models(root="org/A", created=int(time.time()))) as server:
        assert runs(server).new == ROWS
        assert runs(server).new == 0


def test_the_hint_for_a_server_that_moved_keeps_its_rows(
    runs: Runs,
) -> None:
    with ListingServer(lambda: models(root="org/A")) as first:
        runs(first)
        assert "rows of a model of this name" not in runs.said
    with ListingServer(lambda: models(root="org/A")) as second:
        plan_only = runs.go(
            mllm=["m"],
            variant=["qa"],
            limit=1,
            models=[{"name": "m", "model": "m", "engine": "openai", "base_url": second.url}],
        )
        assert plan_only.new == 1
        told = runs.said
        assert told.count(f"m: there are {ROWS} rows of a model of this name") == 1
        line = re.search(r'identity: "[^"]+"', told)
        assert line
        entry = yaml.safe_load(line[0])
        assert entry == {"identity": f"{first.url} root=org/A"}
        kept = runs(second, **entry)
        assert (kept.new, kept.cached) == (0, ROWS)
        assert "rows of a model of this name" not in runs.said


def test_old_rows_that_were_identified_by_name_only_are_kept_in_the_same_way(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ListingServer() as server:
        runs(server, identity="name only")
        (path,) = stage_files(runs.results)
        assert read_json(path)["settings"]["model"]["fingerprint"] == "name only"
        runs(server)
        assert f"m: there are {ROWS} rows of a model of this name" in runs.said
        assert 'identity: "name only"' in runs.said
        assert runs(server, identity="name only").new == 0


def test_the_same_identity_is_the_same_model_wherever_it_is(runs: Runs) -> None:
    with ListingServer() as first:
        assert runs(first, identity="my 7B of May").new == ROWS
    with ListingServer() as second:
        assert runs(second, identity="my 7B of May").new == 0
        assert second.questions == 0, "nobody is asked who needs no answer"


def test_rows_of_other_settings_are_not_offered(runs: Runs) -> None:
    with ListingServer() as first, ListingServer() as second:
        runs(first, sampling={"max_tokens": 9})
        runs(second)
        assert "rows of a model of this name" not in runs.said


def test_a_reasoner_that_moved_is_named_with_its_rows(runs: Runs) -> None:
    def go(server: ListingServer) -> None:
        entry = {"name": "r", "model": "m", "engine": "openai", "base_url": server.url}
        runs.go(mllm=["echo:c"], reasoner=["r"], models=[entry])

    with ListingServer() as first, ListingServer() as second:
        go(first)
        go(second)
        assert runs.said.count("r: there are 4 rows of a model of this name") == 1
        assert "c: there are" not in runs.said


def test_there_is_a_hint_for_a_retrained_folder_too(
    runs: Runs, tmp_path: Path, monkeypatch: Any
) -> None:
    folder = tmp_path / "ckpt"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_text("one")

    def engine(entry: ModelEntry, name: str, max_images: int) -> EchoEngine:
        return EchoEngine(entry)

    monkeypatch.setattr(group_runner, "create_engine", engine)

    def go(**entry: Any) -> RunReport:
        settings = {"name": "ckpt", "model": str(folder), "engine": "transformers", **entry}
        return runs.go(mllm=["ckpt"], variant=["qa"], models=[settings])

    assert go().new == ROWS
    (folder / "model.safetensors").write_text("two")
    assert go().new == ROWS
    line = re.search(r'identity: "sha256:\w{16}"', runs.said)
    assert line and "ckpt: there are 4 rows of a model of this name" in runs.said
    assert go(**yaml.safe_load(line[0])).new == 0


def test_a_folder_that_is_written_again_between_planning_and_loading_is_noticed(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "latest"
    folder.mkdir()
    (folder / "config.json").write_text("{}")

    def engine(entry: ModelEntry, name: str, max_images: int) -> EchoEngine:
        (folder / "model.safetensors").write_text("of the next epoch")
        return EchoEngine(entry)

    monkeypatch.setattr(group_runner, "create_engine", engine)
    report = runs.go(mllm=[f"transformers:{folder}"], variant=["qa"])
    assert (report.new, report.exit_code(0)) == (0, 3)
    assert "latest has other weights than when the run was planned" in runs.said


class TestAServerThatIsAway:
    def test_is_not_needed_for_cached_rows(self, runs: Runs) -> None:
        with ListingServer(lambda: models(root="org/A", created=LONG_AGO)) as server:
            runs(server)
        report = runs(url=server.url)
        assert (report.new, report.cached, report.exit_code(0)) == (0, ROWS, 0)
        assert "are assumed to be from the same model" in runs.said

    def test_is_an_error_without_cached_rows(self, runs: Runs) -> None:
        with ListingServer() as server:
            pass
        with pytest.raises(EngineError, match=r"Nobody answers at .* for m: is the server"):
            runs(url=server.url)

    def test_is_not_mistaken_for_one_of_two_models_at_its_address(self, runs: Runs) -> None:
        with ListingServer(lambda: models(root="org/A")) as server:
            runs(server)
            server.listing = lambda: models(root="org/B")
            runs(server)
        with pytest.raises(EngineError, match="which of them belong to it") as raised:
            runs(url=server.url)
        assert f'identity: "{server.url} root=org/A"; or identity:' in str(raised.value)
        assert runs(url=server.url, identity=f"{server.url} root=org/B").new == 0

    def test_is_not_mistaken_for_one_at_another_address(self, runs: Runs) -> None:
        with ListingServer() as first, ListingServer() as second:
            runs(first)
        with pytest.raises(EngineError, match="Nobody answers"):
            runs(url=second.url)

    def test_is_waited_for(self, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(locating, "DEFAULT_WAIT_S", 60)
        replies = iter([(503, b""), (503, b"")])
        with ListingServer(lambda: next(replies, models())) as server:
            assert runs(server).new == ROWS

    def test_is_waited_for_as_long_as_its_entry_says(self) -> None:
        replies = iter([(503, b""), (503, b"")])
        with ListingServer(lambda: next(replies, models(root="r"))) as server:
            options = {"wait_s": 60}
            entry = ModelEntry(name="m", model="m", base_url=server.url, options=options)
            config = RunConfig(data=("x",), engine="openai", models=(entry,))
            assert locating.locate_model("m", config).fingerprint == f"{server.url} root=r"

    def test_a_damaged_sidecar_is_no_obstacle(self, runs: Runs) -> None:
        with ListingServer() as server:
            runs(server)
            for name, text in (("a", "{"), ("b", "[]"), ("c", '{"settings": {"model": 7}}')):
                (runs.results / "Small" / "m" / f"tentative-{name * 8}.json").write_text(text)
            assert runs(server).new == 0
        assert runs(url=server.url).new == 0


def test_a_server_that_changes_between_planning_and_asking_is_noticed(runs: Runs) -> None:
    lists = iter([models(root="org/A")])
    with ListingServer(lambda: next(lists, models(root="org/B"))) as server:
        report = runs(server)
        assert (report.new, server.chats, report.exit_code(0)) == (0, 0, 3)
        assert "m has other weights than when the run was planned" in runs.said


class TestDtype:
    def config(self, folder: Path, engine: str, **entry: Any) -> RunConfig:
        (folder / "config.json").write_text("{}")
        one = ModelEntry(name="m", model=str(folder), engine=engine, **entry)
        return RunConfig(data=("x",), models=(one,))

    @pytest.mark.parametrize(
        ("engine", "build", "gpu", "dtype", "device"),
        [
            ("transformers", "cpu", True, "float32", "cpu"),
            ("transformers", "cu128", False, "float32", "cpu"),
            ("transformers", "cu128", True, "bfloat16", "gpu"),
            ("vllm", "cpu", True, "float32", "cpu"),
            ("vllm", "cu128", True, "auto", "gpu"),
            ("vllm", "cu128", False, "auto", "gpu"),
            ("ray", "cpu", False, "float32", "cpu"),
        ],
    )
    def test_auto_is_settled_when_the_run_is_planned(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        engine: str,
        build: str,
        gpu: bool,
        dtype: str,
        device: str,
    ) -> None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.setattr("racro_eval.engines.devices._torch_build", lambda: build)
        monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/nvidia-smi" if gpu else None)
        model = locating.locate_model("m", self.config(tmp_path, engine))
        assert (model.entry.dtype, model.device) == (dtype, device)
        assert model.key_settings()["dtype"] == dtype

    def test_a_given_one_stays_and_is_for_any_device(self, tmp_path: Path) -> None:
        model = locating.locate_model("m", self.config(tmp_path, "transformers", dtype="float16"))
        assert (model.entry.dtype, model.device) == ("float16", None)

    def test_an_engine_on_another_device_than_planned_does_not_go_on(self, tmp_path: Path) -> None:
        model = locating.locate_model("m", self.config(tmp_path, "transformers", identity="x"))
        engine = EchoEngine(model.entry)
        other = {"cpu": "gpu", "gpu": "cpu"}[model.device or ""]
        for there, right in ((model.device or "", True), ("", True), (other, False)):
            engine.info = EngineInfo("transformers", "m", {}, there)
            if right:
                locating.check_as_planned(model, engine)
            else:
                with pytest.raises(EngineError, match=r"planned for a .*Give its entry a dtype"):
                    locating.check_as_planned(model, engine)


class TestRevision:
    COMMIT = "0123456789012345678901234567890123456789"

    @pytest.fixture
    def hub_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        snapshot = tmp_path / "hub" / "models--org--m" / "snapshots" / self.COMMIT
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").write_text("{}")
        refs = snapshot.parents[1] / "refs"
        refs.mkdir()
        for name in ("main", "v1"):
            (refs / name).write_text(self.COMMIT)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        return tmp_path / "hub"

    @pytest.mark.usefixtures("hub_cache")
    @pytest.mark.parametrize("engine", ["transformers", "vllm", "ray"])
    def test_the_commit_that_was_found_is_the_one_that_is_loaded(self, engine: str) -> None:
        one = ModelEntry(name="m", model="org/m", engine=engine)
        config = RunConfig(data=("x",), models=(one,), offline=True)
        model = locating.locate_model("m", config)
        assert model.fingerprint == model.entry.revision == self.COMMIT
        assert "revision" not in model.key_settings(), "the key is what it was"

    @pytest.mark.usefixtures("hub_cache")
    @pytest.mark.parametrize(
        "given", [{"revision": "v1"}, {"options": {"revision": "v1"}}, {"revision": COMMIT}]
    )
    def test_a_branch_is_settled_to_its_commit_wherever_it_is_given(
        self, given: dict[str, Any]
    ) -> None:
        one = ModelEntry(name="m", model="org/m", engine="vllm", **given)
        model = locating.locate_model("m", RunConfig(data=("x",), models=(one,), offline=True))
        assert (model.entry.revision, model.entry.options) == (self.COMMIT, {})

    @pytest.mark.usefixtures("hub_cache")
    def test_an_identity_keeps_the_rows_of_a_branch(self) -> None:
        def settings(**more: Any) -> Any:
            one = ModelEntry(name="m", model="org/m", engine="vllm", revision="v1", **more)
            config = RunConfig(data=("x",), models=(one,), offline=True)
            return locating.locate_model("m", config).key_settings()

        assert settings(identity=self.COMMIT) == settings()


def test_a_cached_run_imports_neither_torch_nor_openai(runs: Runs) -> None:
    import subprocess
    import sys

    with ListingServer() as server:
        runs(server)
        command = ["run", "--data", str(runs.benchmark), "--data-root", str(runs.benchmark.parent)]
        command += ["--mllm", f"openai:m@{server.url}", "--variant", "qa"]
        command += ["--results", str(runs.results)]
        program = (
            "import sys; from racro_eval.cli import main\n"
            f"assert main({command!r}) == 0\n"
            "print(sorted({'torch', 'openai', 'transformers', 'vllm'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.stdout.endswith("[]\n"), done.stderr
        assert server.chats == ROWS
