"""The judge: which rows it is asked about, what it is believed, where its verdicts stand."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from racro_eval import RunConfig, RunReport, run
from racro_eval.cli import main
from racro_eval.data.sample import Sample
from racro_eval.engines.base import Engine, Request
from racro_eval.engines.echo import EchoEngine
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import EngineError, UnknownNameError
from racro_eval.models.model import Model
from racro_eval.pipeline import group_runner
from racro_eval.stages.graded_file import graded_path, profile_of
from racro_eval.stages.judge import MAX_RESPONSE, judge_prompt, read_reply
from tests.support.benchmarks import make_json_benchmark
from tests.support.openai_server import Server, reply
from tests.support.results import read_csv, read_json, score_of

Asked = list[tuple[str, Request]]
Judge = Callable[[Request], str]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("CORRECT", True),
        ("INCORRECT", False),
        ("NONE", None),
        ("**Correct.**", True),
        (" incorrect\n", False),
        ("<think>It says CORRECT?</think>\nINCORRECT", False),
        ("The response is CORRECT", None),
        ("CORRECT INCORRECT", None),
        ("NOT CORRECT", None),
        ("", None),
        ("<think>CORRECT", None),
        ("CORRECT <think>or is it", None),
        ("yes", None),
    ],
)
def test_a_reply_is_one_of_three_words_or_nothing(reply: str, verdict: bool | None) -> None:
    assert read_reply(reply) is verdict


def test_a_cut_reply_is_nothing() -> None:
    assert read_reply("CORRECT", "length") is None


def test_the_prompt_holds_question_gold_and_the_end_of_the_visible_response() -> None:
    sample = Sample(index="1", question="How many?", options={"B": "12 {cm}"}, answer="B")
    model = Model(ModelEntry(name="m", model="m"), "echo", "")
    response = "<think>secret</think>" + "x" * MAX_RESPONSE + " {braces} end"
    system, user = judge_prompt(sample, response, model).messages
    assert "How many?" in user.content and "B (12 {cm})" in user.content
    assert "{braces} end" in user.content and "secret" not in user.content
    assert len(user.content) < MAX_RESPONSE + 1000
    assert "do not solve" in system.content


class TestRun:
    """Rows 1 to 12 of a small benchmark; the reasoner states an answer for odd rows only."""

    @pytest.fixture
    def spec(self, tmp_path: Path) -> Path:
        return make_json_benchmark(tmp_path / "data")

    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> Asked:
        asked: Asked = []
        self.verdict: Judge = lambda request: "CORRECT"

        def create(entry: ModelEntry, engine: str, max_images: int) -> Engine:
            def reply(request: Request) -> str:
                asked.append((entry.name, request))
                return self.answer(request) if entry.name == "model" else self.verdict(request)

            return EchoEngine(entry, reply=reply)

        monkeypatch.setattr(group_runner, "create_engine", create)
        return asked

    @staticmethod
    def answer(request: Request) -> str:
        number = int(request.messages[-1].content.partition("in picture ")[2].partition("?")[0])
        if number % 2:
            return "\\boxed{A}"
        return f"Row {number}: I see what I see, and that is all."

    def go(self, spec: Path, judge: str | None = "echo:judge", **more: object) -> RunReport:
        settings = {"data": [str(spec)], "mllm": ["echo:model"], "variant": ["qa"]}
        config = RunConfig(
            **settings, judge=judge, results=Path("r"), data_root=spec.parent, **more
        )
        return run(config)

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def test_only_undecided_rows_are_judged_and_both_scores_stand(
        self, spec: Path, asked: Asked
    ) -> None:
        plain, judged = self.go(spec).graded
        prompts = [request for name, request in asked if name == "judge"]
        assert len(prompts) == 6
        assert all(request.sampling.temperature == 0 for request in prompts)
        assert judged.name == plain.name.replace(".graded", ".judged-judge.graded")
        assert (score_of(plain).value, score_of(judged).value) == (50.0, 100.0)
        assert profile_of(read_json(plain)) == "official"
        assert profile_of(read_json(judged)) == "official+judge:judge"
        methods = {row["index"]: row["method"] for row in read_csv(judged)}
        assert methods["2"] == "judge" and methods["1"] == "boxed/choice-letter"

    def test_replies_are_kept_and_reused(self, spec: Path, asked: Asked) -> None:
        _, judged = self.go(spec).graded
        before = judged.read_bytes()
        asked.clear()
        report = self.go(spec)
        assert asked == []
        assert report.new == 0
        assert judged.read_bytes() == before

    def test_a_changed_response_is_judged_again(
        self, spec: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain, _ = self.go(spec).graded
        answers = plain.with_name(plain.name.replace(".graded", ""))
        answers.write_text(answers.read_text().replace("Row 2:", "In row 2:"))
        asked.clear()
        self.go(spec)
        assert [name for name, _ in asked] == ["judge"]

    def test_what_is_no_verdict_leaves_the_row_unparsed(self, spec: Path, asked: Asked) -> None:
        self.verdict = lambda request: "I would rather say that it is CORRECT."
        plain, judged = self.go(spec).graded
        assert read_csv(plain) == read_csv(judged)

    def test_incorrect_is_incorrect(self, spec: Path, asked: Asked) -> None:
        self.verdict = lambda request: "INCORRECT"
        _, judged = self.go(spec).graded
        assert {row["status"] for row in read_csv(judged)} == {"correct", "incorrect"}
        assert score_of(judged).value == 50.0

    def test_a_failed_reply_leaves_the_row_and_is_asked_again(
        self, spec: Path, asked: Asked
    ) -> None:
        def fail(request: Request) -> str:
            raise RuntimeError("no tokens left")

        self.verdict = fail
        report = self.go(spec)
        assert (report.failed, report.exit_code(0)) == (6, 1)
        assert score_of(report.graded[1]).statuses["unparsed"] == 6
        self.verdict = lambda request: "CORRECT"
        assert score_of(self.go(spec).graded[1]).value == 100.0

    def test_a_judge_that_cannot_start_leaves_the_plain_scores(
        self, spec: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.go(spec, judge=None)

        def dead(*_: object, **__: object) -> Engine:
            raise EngineError("nobody answers")

        monkeypatch.setattr(group_runner, "create_engine", dead)
        report = self.go(spec)
        assert report.exit_code(0) == 3
        assert [path.name.count("judged") for path in report.graded] == [0]

    def test_an_unknown_judge_is_said_before_anything_runs(self, spec: Path, asked: Asked) -> None:
        with pytest.raises(UnknownNameError, match="There is no model 'nobody'"):
            self.go(spec, judge="nobody")
        assert asked == []

    def test_nothing_left_open_needs_no_judge(self, spec: Path, asked: Asked) -> None:
        self.go(spec, index=["1", "3"])
        assert {name for name, _ in asked} == {"model"}

    def test_another_profile_stands_beside(self, spec: Path, asked: Asked) -> None:
        (plain,) = self.go(spec, judge=None).graded
        (released,) = self.go(spec, judge=None, scoring="vlmevalkit").graded
        assert released.name == plain.name.replace(".graded", ".vlmevalkit.graded")
        assert profile_of(read_json(released)) == "vlmevalkit"
        assert plain.exists()
        _, judged = self.go(spec, scoring="vlmevalkit").graded
        assert profile_of(read_json(judged)) == "vlmevalkit+judge:judge"
        assert judged.name == plain.name.replace(".graded", ".vlmevalkit.judged-judge.graded")


class TestGradeCommand:
    @pytest.fixture
    def spec(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        path = make_json_benchmark(tmp_path)
        monkeypatch.setenv("RACRO_DATA", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        with Path("p.csv").open("w", newline="") as file:
            csv.writer(file).writerows(
                [("index", "prediction"), ("1", "\\boxed{A}"), ("2", "No number is stated.")]
            )
        return path

    def test_says_by_whom_rows_were_judged(
        self, spec: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        command = ["grade", "--data", str(spec), "--predictions", "p.csv"]
        assert main(command) == 0
        assert "Graded by: official." in capsys.readouterr().out
        assert main([*command, "--scoring", "vlmevalkit"]) == 0
        assert "Graded by: vlmevalkit." in capsys.readouterr().out
        assert main([*command, "--judge", "echo:judge"]) == 0
        out = capsys.readouterr().out
        assert "Graded by: official+judge:judge. Rows by status: correct 1, unparsed 1." in out
        (replies,) = Path("results/Small").glob("p.judge-judge-*.csv")
        (row,) = read_csv(replies)
        assert row["index"] == "2" and "The answer is" in row["prediction"]


class TestServer:
    """A judge behind an OpenAI-compatible server."""

    def test_a_served_model_judges(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pytest.importorskip("httpx2", reason="the extra `openai` is not installed")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("OPENAI_API_KEY", "secret-key")
        spec = make_json_benchmark(tmp_path / "data")
        with Path("p.csv").open("w", newline="") as file:
            rows = [("index", "prediction"), ("1", "\\boxed{A}"), ("2", "I see what I see.")]
            csv.writer(file).writerows(rows)
        server = Server()
        server.answer = lambda body: (200, reply("INCORRECT"))
        try:
            command = ["grade", "--data", str(spec), "--data-root", str(spec.parent)]
            judge = ["--judge", f"openai:verifier@{server.url}"]
            assert main([*command, "--predictions", "p.csv", *judge]) == 0
        finally:
            server.close()
        (asked,) = server.asked
        assert asked["temperature"] == 0 and "I see what I see." in str(asked["messages"])
        assert "Rows by status: correct 1, incorrect 1." in capsys.readouterr().out
        kept = [path for path in Path("results").rglob("*") if path.is_file()]
        assert kept and not any(b"secret-key" in path.read_bytes() for path in kept)


def test_the_name_of_a_graded_file_says_its_profile() -> None:
    names = {
        profile: graded_path(Path("a/tentative-12.csv"), profile).name
        for profile in ("official", "vlmevalkit", "official+judge:q", "vlmevalkit+judge:q")
    }
    assert names == {
        "official": "tentative-12.graded.csv",
        "vlmevalkit": "tentative-12.vlmevalkit.graded.csv",
        "official+judge:q": "tentative-12.judged-q.graded.csv",
        "vlmevalkit+judge:q": "tentative-12.vlmevalkit.judged-q.graded.csv",
    }


@pytest.mark.parametrize("manifest", [{}, {"graded": {}}, {"graded": None}])
def test_a_graded_file_that_names_no_profile_is_official(manifest: dict[str, object]) -> None:
    assert profile_of(manifest) == "official"
