"""`leaderboard` grades what is finished, from local data, and says what it could not grade."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from racro_eval.cli import main
from racro_eval.stages.ungraded import Gradings, grade_ungraded
from racro_eval.store.sidecar import read_sidecar, sidecar_path, write_sidecar
from tests.support.results import only, read_csv, score_of

Capture = pytest.CaptureFixture[str]
RUN = ["--data", "Demo_MINI", "--mllm", "echo:m", "--reasoner", "echo:r1", "echo:r2"]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The answers of a run, all of them graded."""
    monkeypatch.chdir(tmp_path)
    assert main([*RUN, "--limit", "6"]) == 0
    return tmp_path / "results"


def graded_files(results: Path) -> list[Path]:
    return sorted(results.rglob("*.graded.csv"))


def forget(results: Path) -> None:
    """Take all verdicts away, as if the run had been killed before it graded."""
    for path in graded_files(results):
        path.unlink()
        sidecar_path(path).unlink()


def test_answers_without_verdicts_are_graded_as_the_run_would(results: Path) -> None:
    before = {path: path.read_bytes() for path in graded_files(results)}
    sidecars = {path: read_sidecar(path) for path in before}
    forget(results)
    done = grade_ungraded(results)
    assert {path: path.read_bytes() for path in graded_files(results)} == before
    assert {path: read_sidecar(path) for path in before} == sidecars
    assert len(done.graded) == len(before)
    assert done.left == {}


def test_the_table_of_a_killed_run_has_its_finished_models(results: Path, capsys: Capture) -> None:
    forget(results)
    capsys.readouterr()
    assert main(["leaderboard", "--format", "md"]) == 0
    told = capsys.readouterr()
    assert "r1" in told.out and "r2" in told.out
    assert told.err.count("Grading results/Demo_MINI") == 3


def test_nothing_is_graded_twice_and_nothing_is_said(results: Path, capsys: Capture) -> None:
    times = {path: path.stat().st_mtime_ns for path in graded_files(results)}
    assert grade_ungraded(results) == Gradings()
    capsys.readouterr()
    assert main(["leaderboard", "--format", "md"]) == 0
    assert {path: path.stat().st_mtime_ns for path in graded_files(results)} == times
    assert capsys.readouterr().err == ""


def test_copied_files_whose_times_say_nothing_are_told_by_their_hash(results: Path) -> None:
    for path in results.rglob("*.csv"):
        if not path.name.endswith(".graded.csv"):
            os.utime(path)
    assert grade_ungraded(results).graded == []


def test_answers_that_came_since_are_graded_again(results: Path) -> None:
    path = only(results / "Demo_MINI" / "m" / "r1", "qcap+sol")
    kept = path.read_bytes()
    header, *rows = kept.splitlines(keepends=True)
    path.write_bytes(header + b"".join(rows[:2]))
    assert grade_ungraded(results).graded == [path]
    path.write_bytes(kept)
    assert grade_ungraded(results).graded == [path]
    assert len(read_csv(path.with_suffix(".graded.csv"))) == 6


def test_verdicts_of_an_older_grader_are_made_again(results: Path) -> None:
    path = graded_files(results)[0]
    content = read_sidecar(path)
    content["graded"]["grader"] = "1"
    write_sidecar(path, content)
    assert len(grade_ungraded(results).graded) == 1
    assert read_sidecar(path)["graded"]["grader"] != "1"


def test_a_damaged_sidecar_of_verdicts_is_made_again(results: Path) -> None:
    path = graded_files(results)[0]
    sidecar_path(path).write_text("{")
    assert len(grade_ungraded(results).graded) == 1
    assert read_sidecar(path)["graded"]


def test_verdicts_that_were_changed_are_made_again(results: Path) -> None:
    path = graded_files(results)[0]
    kept, content = path.read_bytes(), read_sidecar(path)
    content["graded"]["sha256"] = hashlib.sha256(kept).hexdigest()
    write_sidecar(path, content)
    path.write_bytes(kept[:-20])
    assert len(grade_ungraded(results).graded) == 1
    assert path.read_bytes() == kept


def test_verdicts_by_the_profile_that_was_asked_for_stay_the_only_ones(
    results: Path, capsys: Capture
) -> None:
    forget(results)
    assert main([*RUN, "--limit", "6", "--scoring", "vlmevalkit"]) == 0
    assert grade_ungraded(results) == Gradings()


def test_answers_of_an_interrupted_run_are_a_partial_score(results: Path) -> None:
    path = only(results / "Demo_MINI" / "m" / "r1", "qcap+sol")
    forget(results)
    content = read_sidecar(path)
    write_sidecar(path, {**content, "process": {"pid": 1, "host": "h", "started_at": "t"}})
    with path.open("ab") as file:
        file.write(b'"7","0","The ans')
    grade_ungraded(results)
    score = score_of(path.with_suffix(".graded.csv"))
    assert score.partial and score.samples == 6


def test_captions_have_no_verdicts(results: Path) -> None:
    grade_ungraded(results)
    assert not any(path.name.startswith("caption") for path in graded_files(results))


class TestLeft:
    """What cannot be graded is named with the reason, and hides nothing else."""

    def left(self, results: Path) -> list[str]:
        return list(grade_ungraded(results).left.values())

    def test_rows_that_are_others_now(self, results: Path) -> None:
        forget(results)
        path = only(results / "Demo_MINI" / "m" / "r1", "qcap+sol")
        content = read_sidecar(path)
        content["benchmark"]["data_sha256"] = "0" * 64
        write_sidecar(path, content)
        assert self.left(results) == [
            "The rows of Demo_MINI have changed since they were answered."
        ]

    def test_data_that_is_not_there(self, results: Path) -> None:
        forget(results)
        path = only(results / "Demo_MINI" / "m" / "r1", "qcap+sol")
        content = read_sidecar(path)
        content["benchmark"]["name"] = "MathVision"
        write_sidecar(path, content)
        (reason,) = self.left(results)
        assert "MathVision" in reason

    def test_a_benchmark_nobody_knows(self, results: Path) -> None:
        forget(results)
        path = only(results / "Demo_MINI" / "m" / "r1", "qcap+sol")
        content = read_sidecar(path)
        content["benchmark"]["name"] = "Mine"
        write_sidecar(path, content)
        assert self.left(results) == [
            "No benchmark Mine ships with racro-eval; the run that wrote it grades it."
        ]

    def test_a_file_without_a_sidecar(self, results: Path, capsys: Capture) -> None:
        path = only(results / "Demo_MINI" / "m" / "r1", "qcap+sol")
        sidecar_path(path).unlink()
        assert self.left(results) == ["It has no sidecar; the run that wrote it writes it again."]
        capsys.readouterr()
        assert main(["leaderboard", "--format", "md"]) == 0
        assert f"Not graded, or not again: {path.relative_to(results)}" in capsys.readouterr().err

    def test_shards_that_were_not_merged(self, results: Path, capsys: Capture) -> None:
        shards = ["--shard", "1/2", "--results", "sharded"]
        assert main([*RUN, *shards]) == 0
        assert set(self.left(Path("sharded"))) == {
            "It is a shard; `racro-eval merge` joins the shards of a finished run."
        }

    def test_other_files_are_nobodys_business(self, results: Path) -> None:
        (results / "leaderboard.csv").write_text("a,b\n")
        (results / "notes-2026.csv").write_text("a,b\n")
        assert self.left(results) == []


def test_a_users_own_benchmark_that_was_graded_here_before_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.support.benchmarks import make_json_benchmark

    monkeypatch.chdir(tmp_path)
    yaml = make_json_benchmark(tmp_path / "data", 4)
    own = ["--data", str(yaml), "--data-root", str(tmp_path / "data"), "--mllm", "echo:m"]
    assert main([*own, "--reasoner", "echo:r1", "echo:r2"]) == 0
    path = only(tmp_path / "results" / "Small" / "m" / "r1", "qcap+sol")
    path.with_suffix(".graded.csv").unlink()
    assert main(["leaderboard", "--format", "md", "--data-root", str(tmp_path / "data")]) == 0
    assert path.with_suffix(".graded.csv").exists()


def test_the_look_reads_no_answers(results: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from racro_eval.stages.ungraded import grade_ungraded\n"
        "assert not grade_ungraded(Path('results')).graded\n"
        "ours = {'racro_eval.store.row_table', 'racro_eval.stages.grade'}\n"
        "heavy = {'numpy', 'pyarrow', 'PIL'} | ours\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
