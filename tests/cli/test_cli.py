"""The commands, as a user types them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from racro_eval.cli import main
from racro_eval.cli.output import printable
from racro_eval.errors import InternalError
from racro_eval.stages import audit
from tests.support.benchmarks import make_json_benchmark
from tests.support.paths import shared_data
from tests.support.results import stage_files

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small benchmark; the working directory is empty and RACRO_DATA names its folder."""
    path = make_json_benchmark(tmp_path / "data", 12)
    monkeypatch.setenv("RACRO_DATA", str(path.parent))
    monkeypatch.setenv("RACRO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return path


def run_small(path: Path, *more: str) -> int:
    return main(["--data", str(path), "--mllm", "echo:m", "--reasoner", "echo:r", *more])


def test_options_alone_mean_run(small: Path, capsys: Capture) -> None:
    assert run_small(small) == 0
    out = capsys.readouterr()
    assert "+ r" in out.out
    assert "n=12" in out.out and "0.0% cut" in out.out
    assert "perceive m: 24/24 rows" in out.err
    assert len(stage_files(Path("results"))) == 3


def test_a_sweep_file_gives_the_same_and_the_command_line_wins(
    small: Path, capsys: Capture
) -> None:
    Path("sweep.yaml").write_text(
        f"data: {small}\nmllm: fast\nreasoner: [echo:r, echo:s]\nlimit: 3\nindex: [1, 2, 5, 7]\n"
        "models:\n  - {name: fast, model: x, engine: echo}\n"
    )
    assert main(["--config", "sweep.yaml", "--limit", "2"]) == 0
    assert "2/12, " in capsys.readouterr().out
    Path("sweep.yaml").write_text(f"data: {small}\nlimitt: 3\n")
    assert main(["run", "--config", "sweep.yaml"]) == 2
    assert capsys.readouterr().err == "racro-eval: sweep.yaml: limitt: there is no such key.\n"


def test_a_dry_run_shows_what_is_cached_and_writes_nothing(small: Path, capsys: Capture) -> None:
    assert run_small(small, "--dry-run") == 0
    first = capsys.readouterr().out
    assert not Path("results").exists()
    assert "after its captions" in first
    run_small(small, "--limit", "4")
    capsys.readouterr()
    before = {path: path.read_bytes() for path in Path("results").rglob("*.*")}
    assert run_small(small, "--dry-run") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [(line[0], line[1], line[4:7]) for line in lines] == [
        ("perceive", "m", ["12", "4", "8"]),
        ("perceive", "m", ["12", "4", "8"]),
        ("reason", "r", ["12", "4", "8"]),
    ]
    assert {path: path.read_bytes() for path in Path("results").rglob("*.*")} == before


def test_a_dry_run_shows_what_it_can_of_a_sweep(small: Path, capsys: Capture) -> None:
    run_small(small)
    (path,) = Path("results").rglob("tentative-????????.csv")
    path.write_text("no file of ours\n")
    models = "models:\n  - {name: gone, model: /nowhere, engine: transformers}\n"
    Path("sweep.yaml").write_text(f"mllm: [echo:m, echo:n, gone]\nreasoner: echo:r\n{models}")
    capsys.readouterr()
    assert main(["--config", "sweep.yaml", "--data", str(small), "--dry-run"]) == 3
    out, complaints = capsys.readouterr()
    assert [line.split()[1] for line in out.splitlines()[1:]] == ["n", "n", "r", "r"]
    told = complaints.splitlines()
    assert told[0] == "racro-eval: gone: There is no model folder /nowhere."
    assert told[1].startswith(f"racro-eval: m on Small: {path} cannot be read")


def test_failed_rows_exit_with_1_unless_they_are_allowed(small: Path, capsys: Capture) -> None:
    (small.parent / "small" / "images" / "3.png").write_bytes(b"")
    assert run_small(small) == 1
    assert run_small(small, "--max-failures", "3") == 0
    complaints = capsys.readouterr().err
    assert "3 rows failed and will be tried again by the same command. The first, row 3: " in (
        complaints
    )
    assert "3.png cannot be decoded" in complaints


class TestMistakes:
    """Exit 2 or 3, one sentence, no traceback."""

    @pytest.mark.parametrize(
        ("arguments", "code", "sentence"),
        [
            (["--reasoner", "R1-7B"], 2, "No benchmark was given. Name one or more with --data"),
            (["--data", "MathVsion", "--reasoner", "echo:r"], 2, "The nearest: MathVision"),
            (["--data", "MathVision", "--reasoner", "R1-7"], 2, "The nearest: R1-7B"),
            (["--data", "MathVision"], 2, "No reasoner was given"),
            (["--data", "MathVision", "--limit", "0"], 2, "limit: Input should be greater"),
            (["--data", "MathVision", "--variant", "x"], 2, "there is no variant 'x'; known: qa"),
            (["--data", "MathVision", "--reasoner", "echo:r", "--offline"], 3, "No file of Math"),
            (["--data", "mine.yaml", "--reasoner", "echo:r"], 2, "mine.yaml cannot be read"),
            (["--config", "none.yaml"], 2, "none.yaml cannot be read"),
            (["leaderboard"], 3, "There is no results folder results"),
            (["grade", "--data", "MathVision", "--predictions", "p.csv"], 3, "no file p.csv"),
            (["--data", "MathVision", "--reasoner", "./model"], 3, "no model folder ./model"),
        ],
    )
    def test_are_told(
        self, small: Path, capsys: Capture, arguments: list[str], code: int, sentence: str
    ) -> None:
        arguments = [*arguments, "--mllm", "echo:m"] if arguments[0].startswith("-") else arguments
        assert main(arguments) == code
        complaint = capsys.readouterr().err
        assert sentence in complaint
        assert complaint.startswith("racro-eval: ")
        assert complaint.count("\n") == 1
        assert "Traceback" not in complaint

    def test_of_an_unknown_option_show_the_usage(self, capsys: Capture) -> None:
        with pytest.raises(SystemExit) as caught:
            main(["run", "--dta", "x"])
        assert caught.value.code == 2

    def test_debug_shows_the_traceback(self, small: Path) -> None:
        from racro_eval.errors import UnknownNameError

        with pytest.raises(UnknownNameError):
            main(["--data", "MathVsion", "--reasoner", "echo:r", "--debug"])

    def test_a_file_edited_into_nonsense(self, small: Path, capsys: Capture) -> None:
        run_small(small)
        (path,) = Path("results").rglob("tentative-????????.csv")
        content = path.read_bytes().replace(b'"5","0"', b'"5","x"')
        path.write_bytes(content)
        capsys.readouterr()
        assert run_small(small) == 2
        assert f"{path} cannot be read: the record at byte" in capsys.readouterr().err
        assert path.read_bytes() == content

    def test_a_results_folder_that_cannot_be_written(self, small: Path, capsys: Capture) -> None:
        Path("taken").write_text("")
        assert run_small(small, "--results", "taken") == 2
        assert "cannot be written" in capsys.readouterr().err

    def test_a_bug_is_called_one(
        self, small: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(config: object) -> None:
            raise ZeroDivisionError("division by zero")

        monkeypatch.setattr("racro_eval.pipeline.execution.make_plan", broken)
        assert run_small(small) == InternalError.exit_code
        assert "This is a bug in racro-eval: ZeroDivisionError" in capsys.readouterr().err
        with pytest.raises(ZeroDivisionError):
            run_small(small, "--debug")

    def test_ctrl_c(self, small: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(config: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("racro_eval.pipeline.execution.make_plan", interrupted)
        assert run_small(small) == 130


class TestList:
    @pytest.mark.parametrize(
        ("what", "line"),
        [
            ("benchmarks", "MathVision_MINI 304 accuracy MIT"),
            ("models", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"),
            ("prompts", "rapid"),
        ],
    )
    def test_what_is_built_in(self, what: str, line: str, capsys: Capture) -> None:
        assert main(["list", what]) == 0
        assert line in " ".join(capsys.readouterr().out.split())

    def test_runs(self, small: Path, capsys: Capture) -> None:
        assert main(["list", "runs"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 1
        run_small(small)
        Path("results/stray.csv").write_text("not ours")
        capsys.readouterr()
        assert main(["list", "runs"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 4
        assert lines[3].split()[:4] == ["Small", "m", "-", "qa"]


class TestShow:
    def test_sample(self, small: Path, capsys: Capture) -> None:
        assert main(["show", "sample", "--data", str(small), "--index", "3"]) == 0
        out = capsys.readouterr().out
        assert "Question: How many shapes are in picture 3?" in out
        assert "option C: None" in out
        assert "answer: A" in out
        assert "level: 4" in out
        assert "3.png: 40 x 30 pixels, sha256 " in out

    def test_sample_with_an_unreadable_image(self, small: Path, capsys: Capture) -> None:
        (small.parent / "small" / "images" / "3.png").unlink()
        assert main(["show", "sample", "--data", str(small), "--index", "3"]) == 0
        assert "cannot be read" in capsys.readouterr().out

    def test_prompt(self, small: Path, capsys: Capture) -> None:
        assert main(["show", "prompt", "--data", str(small), "--index", "2"]) == 0
        out = capsys.readouterr().out
        assert "── caption: user, after 1 image(s) " in out
        assert "Please describe the image. DO NOT try to answer the question!" in out
        assert "### A tentative model response: <the tentative answer>" in out
        assert out.count("Please try to answer the question with short words") == 1

    def test_a_wrong_index_says_the_nearest(self, small: Path, capsys: Capture) -> None:
        assert main(["show", "sample", "--data", str(small), "--index", "111"]) == 2
        assert "There is no row in Small with index '111'. The nearest: 1, 11" in (
            capsys.readouterr().err
        )


class TestGrade:
    def predictions(self, *rows: tuple[str, str]) -> str:
        with Path("p.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("index", "prediction"), *rows])
        return "p.csv"

    def test_scores_and_writes_verdicts(self, small: Path, capsys: Capture) -> None:
        file = self.predictions(("1", "\\boxed{A}"), ("2", "It is \\boxed{3}."), ("99", "x"))
        arguments = ["grade", "--data", str(small), "--predictions", file, "--out", "v.csv"]
        assert main(arguments) == 0
        out = capsys.readouterr()
        assert out.out.splitlines()[1].split() == ["Small", "accuracy", "50.0", "1", "2"]
        assert "Rows by status: correct 1, incorrect 1." in out.out
        assert "Partial: 2 of 12 samples." in out.out
        assert "1 rows of p.csv are not in Small" in out.err
        with Path("v.csv").open(newline="") as verdicts:
            rows = list(csv.DictReader(verdicts))
        assert [(row["extracted"], row["status"]) for row in rows] == [
            ("A", "correct"),
            ("3", "incorrect"),
        ]

    def test_agrees_with_the_official_verdicts_on_real_outputs(self, small: Path) -> None:
        outputs = shared_data() / "mathvision" / "outputs" / "Gemini-Pro-CoT.jsonl"
        official = [json.loads(line) for line in outputs.read_text().splitlines()]
        file = self.predictions(*((row["id"], row["response"]) for row in official))
        arguments = ["grade", "--data", "MathVision", "--predictions", file, "--out", "v.csv"]
        assert main([*arguments, "--data-root", str(shared_data())]) == 0
        with Path("v.csv").open(newline="") as verdicts:
            ours = {row["index"]: row["correct"] == "1" for row in csv.DictReader(verdicts)}
        assert len(ours) == 3040
        agreed = sum(ours[row["id"]] == row["correct"] for row in official)
        assert agreed / len(official) >= 0.95

    def test_explains_single_rows(self, small: Path, capsys: Capture) -> None:
        file = self.predictions(("1", "\\boxed{(B)}"), ("2", "So there are 3 of them."), ("4", "?"))
        arguments = ["grade", "--data", str(small), "--predictions", file, "--explain"]
        assert main([*arguments, "1", "2", "4"]) == 0
        out = " ".join(capsys.readouterr().out.split())
        assert "extracted (B) by the rule boxed compared (B) with" in out
        assert "decided by choice-letter" in out
        assert "extracted 3 by the rule conclusion" in out
        assert "extracted nothing by the rule none fits" in out
        assert main([*arguments, "3"]) == 2
        assert "There is no index '3'" in capsys.readouterr().err

    def test_lists_what_another_grader_judges_differently(
        self, small: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = self.predictions(("1", "\\boxed{A}"), ("2", "\\boxed{B}"), ("4", "who knows"))
        arguments = ["grade", "--data", str(small), "--predictions", file]
        monkeypatch.setattr(audit, "second_opinion", lambda name: lambda *texts: True)
        assert main([*arguments, "--against", "math-verify"]) == 0
        out = capsys.readouterr().out
        assert "2 of 3 rows are graded differently." in out and "boxed/identity" in out

    def test_says_how_to_install_the_other_grader(
        self, small: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "math_verify", None)
        file = self.predictions(("1", "A"))
        arguments = ["grade", "--data", str(small), "--predictions", file]
        assert main([*arguments, "--against", "math-verify"]) == 3
        assert "pip install 'racro-eval[math-verify]'" in capsys.readouterr().err

    def test_math_verify_itself(self) -> None:
        pytest.importorskip("math_verify")
        agrees = audit.second_opinion("math-verify")
        assert agrees("0.5", "1/2") and not agrees("0.5", "1/3")

    def test_refuses_a_file_of_another_benchmark(self, small: Path, capsys: Capture) -> None:
        file = self.predictions(("x1", "A"))
        assert main(["grade", "--data", str(small), "--predictions", file]) == 2
        assert "'x1'; the first one of the benchmark is '1'." in capsys.readouterr().err


class TestLeaderboard:
    @pytest.fixture
    def run(self, small: Path, capsys: Capture) -> None:
        run_small(small)
        capsys.readouterr()

    @pytest.mark.parametrize(
        ("arguments", "shown"),
        [
            ([], "+ r"),
            (["--format", "md"], "| **m** |"),
            (["--format", "csv"], "source,mllm,reasoner,variant"),
            (["--format", "wide"], "Model,Small"),
            (["--format", "tex"], "\\toprule"),
            (["--format", "html"], "<!doctype html>"),
            (["--format", "json"], '"view": "leaderboard"'),
            (["--with-published"], "+ RACRO (R1-Distill-7B) †"),
            (["--by", "subject", "level"], "Small by level"),
            (["--paired"], "m + r vs m"),
            (["--paired", "all"], "m + r vs m"),
            (["--diagnose"], "rescued"),
            (["--usage"], "tentative tokens"),
            (["--columns", "Small", "AVG"], "AVG of 1"),
        ],
    )
    def test_views_and_formats(
        self, run: None, capsys: Capture, arguments: list[str], shown: str
    ) -> None:
        assert main(["leaderboard", *arguments]) == 0
        assert shown in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "code", "sentence"),
        [
            (["--format", "pdf"], 2, "There are: rich, md, csv, wide, tex, html, json, svg"),
            (["--columns", "Smal"], 2, "There is no column 'Smal'. The nearest: Small"),
            (["--by", "colour"], 2, "There is no breakdown 'colour'. There are: level, subject."),
            (["--compare-published"], 3, "None of these rows is in the paper's table"),
            (["--several"], 3, "No row has several answers per sample"),
            (["--usage", "--format", "figures"], 2, "not other views"),
        ],
    )
    def test_mistakes_say_what_there_is(
        self, run: None, capsys: Capture, arguments: list[str], code: int, sentence: str
    ) -> None:
        assert main(["leaderboard", *arguments]) == code
        assert sentence in capsys.readouterr().err

    def test_one_format_is_written_where_it_is_asked_for(self, run: None) -> None:
        assert main(["leaderboard", "--format", "csv", "--out", "deep/board.txt"]) == 0
        assert Path("deep/board.txt").read_text().startswith("source,mllm")

    def test_several_formats_are_written_side_by_side(self, run: None, capsys: Capture) -> None:
        formats = ["--format", "md", "--format", "html", "--format", "rich"]
        assert main(["leaderboard", *formats, "--out", "board.v2"]) == 0
        assert capsys.readouterr().out.split() == ["board.v2.md", "board.v2.html", "board.v2.txt"]
        assert all(Path(f"board.v2.{kind}").stat().st_size for kind in ("md", "html", "txt"))

    def test_files_go_to_the_results_unless_told_otherwise(self, run: None) -> None:
        assert main(["leaderboard", "--by", "level", "--format", "md", "--format", "json"]) == 0
        assert Path("results/by-level.md").exists() and Path("results/by-level.json").exists()

    def test_an_empty_folder_says_what_to_run(self, small: Path, capsys: Capture) -> None:
        Path("results").mkdir()
        assert main(["leaderboard"]) == 3
        assert "run a benchmark first: `racro-eval --data Demo`" in capsys.readouterr().err

    def test_a_second_look_imports_nothing_heavy(self, run: None) -> None:
        code = (
            "import sys; from racro_eval.cli import main\n"
            "main(['leaderboard', '--format', 'md'])\n"
            "heavy = {'torch', 'pandas', 'sympy', 'datasets', 'scipy', 'matplotlib', 'numpy',"
            " 'pyarrow', 'PIL', 'jinja2'}\n"
            "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stderr == "[]\n"


def test_doctor_finds_what_is_there_and_what_is_not(small: Path, capsys: Capture) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "grader" in out
    assert "will be downloaded" in out
    Path("taken").write_text("")
    assert main(["doctor", "--results", "taken"]) == 3
    assert "cannot be written" in capsys.readouterr().out


def test_doctor_reports_a_file_that_is_not_the_published_one(small: Path, capsys: Capture) -> None:
    (small.parent / "MathVision.tsv").write_text("x")
    assert main(["doctor"]) == 3
    told = " ".join(capsys.readouterr().out.split())
    assert "but the published file has 93f6de14f7916e598aa1b7165589831e" in told


def test_control_characters_of_models_and_files_are_spelt_out() -> None:
    assert printable("a\x1b[31mb\r\tc\n\x9b") == "a\\x1b[31mb\\x0d\tc\n\\x9b"


class TestProcess:
    """The installed command."""

    def test_version_and_help(self) -> None:
        for flag in ("--version", "--help"):
            done = subprocess.run(
                [sys.executable, "-m", "racro_eval", flag], capture_output=True, text=True
            )
            assert done.returncode == 0
            assert "racro-eval" in done.stdout.lower()

    @pytest.mark.parametrize("command", [["--help"], ["list", "benchmarks"]])
    def test_light_commands_import_nothing_heavy(self, command: list[str]) -> None:
        code = (
            "import sys; from racro_eval.cli import main\n"
            f"try: main({command!r})\nexcept SystemExit: pass\n"
            "print(sorted({'torch', 'pandas', 'sympy', 'datasets', 'transformers', 'numpy',"
            " 'requests', 'PIL'} & set(sys.modules)), file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stderr == "[]\n"

    def test_a_closed_pipe_is_no_error(self) -> None:
        done = subprocess.run(
            f"{sys.executable} -m racro_eval list models | true",
            shell=True,
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
