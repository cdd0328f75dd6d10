"""Graded files on disk: what is read, what is refused and named, what is remembered."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import racro_eval
from racro_eval.data.spec import load_spec
from racro_eval.errors import CacheError, MissingError
from racro_eval.leaderboard import collect as module
from racro_eval.leaderboard.analysis.samples import Answers
from racro_eval.leaderboard.collect import collect, find_graded
from racro_eval.leaderboard.reading import read_columns
from racro_eval.stages import summaries
from racro_eval.stages.graded_file import graded_columns
from racro_eval.stages.summaries import summary_path
from racro_eval.store.records import encode_row
from racro_eval.store.sidecar import write_sidecar
from tests.support.results import score_of

SPEC = load_spec("MathVision_MINI").model_copy(update={"rows": 4})


def write(folder: Path, *rows: tuple[str, ...], **more: object) -> Path:
    """A graded file with rows (index, sample, prediction, status); gives its path."""
    path = folder / "m" / "r" / "qcap+sol-00000000.graded.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [encode_row(graded_columns(SPEC))]
    for index, sample, prediction, status in rows:
        correct = "1" if status == "correct" else "0"
        about = ("12", "boxed", "12", status, correct, "logic", "3")
        lines.append(encode_row((index, sample, prediction, *about)))
    path.write_bytes(b"".join(lines))
    labels = {"benchmark": SPEC.name, "mllm": "m", "reasoner": "r", "variant": "qcap+sol"}
    about = {"key": "00000000", "config": "c", "labels": labels, "spec": SPEC.model_dump()}
    write_sidecar(path, json.loads(json.dumps({**about, **more}, default=str)))
    return path


ROWS = (
    ("1", "0", 'He said "12",\r and\r\nwent', "correct"),
    ("2", "0", "x" * 100_000, "truncated"),
    ("3", "0", "", "empty"),
)


def test_the_score_is_that_of_the_slow_reader(tmp_path: Path) -> None:
    path = write(tmp_path, *ROWS)
    (cell,) = collect([path])
    assert cell.score == score_of(path)
    assert cell.score.value == pytest.approx(100 / 3)
    assert cell.score.partial


def test_responses_of_any_length_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, ("1", "0", "y" * 9_000_000, "correct"), *ROWS[1:])
    assert read_columns(path, ["index"]) == {"index": ["1", "2", "3"]}


@pytest.mark.parametrize(
    ("graded", "profile"),
    [({}, "official"), ({"profile": "vlmevalkit"}, "vlmevalkit"), (None, "official")],
)
def test_the_scoring_profile_is_in_the_sidecar(
    tmp_path: Path, graded: dict[str, str] | None, profile: str
) -> None:
    (cell,) = collect([write(tmp_path, *ROWS, graded=graded)])
    assert cell.profile == profile


def test_the_stages_file_is_found_for_every_profile(tmp_path: Path) -> None:
    path = write(tmp_path, *ROWS)
    other = path.with_name("qcap+sol-00000000.vlmevalkit.graded.csv")
    path.rename(other)
    path.with_suffix(".json").rename(other.with_suffix(".json"))
    (cell,) = collect([other])
    assert cell.stage_path == path.with_name("qcap+sol-00000000.csv")


class TestRefused:
    """Each with the file's name and what to do."""

    def complaint(self, path: Path) -> str:
        with pytest.raises(CacheError) as caught:
            collect([path])
        assert str(path) in str(caught.value)
        return str(caught.value)

    def test_duplicate_rows(self, tmp_path: Path) -> None:
        path = write(tmp_path, ROWS[0], ROWS[0])
        path.with_name("qcap+sol-00000000.csv").touch()
        assert "two rows have the same index and sample number. Remove it" in self.complaint(path)

    def test_verdicts_are_kept_if_their_answers_are_missing(self, tmp_path: Path) -> None:
        message = self.complaint(write(tmp_path, ROWS[0], ROWS[0]))
        assert "Its answers, qcap+sol-00000000.csv, are missing: restore it" in message
        assert "emove" not in message

    @pytest.mark.parametrize(
        "name",
        ["caption-00000000.csv", "tentative-00000000.csv", "qcap+sol-0a1b2c3d.shard-1-of-2.csv"],
    )
    def test_a_torn_stage_file_is_never_to_be_removed(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        path.write_bytes(encode_row(("index", "prediction")) + encode_row(("1", "a"))[:3])
        with pytest.raises(CacheError) as caught:
            read_columns(path, ("index", "prediction"))
        message = str(caught.value)
        assert f"{path} cannot be read" in message
        assert "It is a stage file with answers of a model: keep it." in message
        assert "repairs it" in message
        assert "emove" not in message

    def test_more_samples_than_the_benchmark_has(self, tmp_path: Path) -> None:
        rows = [(str(number), "0", "", "empty") for number in range(5)]
        assert "it has 5 samples, but MathVision_MINI has only 4" in self.complaint(
            write(tmp_path, *rows)
        )

    def test_a_missing_column(self, tmp_path: Path) -> None:
        path = write(tmp_path, *ROWS)
        path.write_text(path.read_text().replace('"level"', '"lvl"', 1))
        assert "no column 'level'" in self.complaint(path)

    def test_an_invalid_verdict(self, tmp_path: Path) -> None:
        path = write(tmp_path, *ROWS)
        path.write_text(path.read_text().replace('"correct","1"', '"correct","yes"'))
        assert "its column 'correct' contains 'yes', not 0 or 1" in self.complaint(path)

    def test_a_row_of_another_length(self, tmp_path: Path) -> None:
        path = write(tmp_path, *ROWS)
        path.write_text(path.read_text() + '"9","0"\n')
        assert "cannot be read" in self.complaint(path)

    def test_another_encoding(self, tmp_path: Path) -> None:
        path = write(tmp_path, *ROWS)
        path.write_bytes(path.read_bytes().replace(b'"logic"', b'"\xff"'))
        assert "cannot be read" in self.complaint(path)

    def test_the_sidecar_of_another_benchmark(self, tmp_path: Path) -> None:
        path = write(tmp_path, *ROWS, labels={"benchmark": "WeMath"})
        assert "it is for WeMath, but its sidecar contains the benchmark MathVision_MINI" in (
            self.complaint(path)
        )

    def test_a_missing_sidecar(self, tmp_path: Path) -> None:
        path = write(tmp_path, *ROWS)
        path.with_suffix(".json").unlink()
        assert "has no sidecar" in self.complaint(path)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        path = write(tmp_path, *ROWS)
        path.unlink()
        assert "it does not exist" in self.complaint(path)


def test_an_empty_folder_says_what_to_run_first(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"run a benchmark first: `racro-eval --data Demo`"):
        find_graded(tmp_path)
    with pytest.raises(MissingError, match="There is no results folder"):
        find_graded(tmp_path / "nowhere")


def test_a_folder_with_the_name_of_a_graded_file_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "x.graded.csv").mkdir()
    with pytest.raises(MissingError, match="holds no graded files"):
        find_graded(tmp_path)


class TestSummaries:
    @pytest.fixture
    def reads(self, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
        """The files whose rows were read."""
        found: list[Path] = []
        read = module.read_ahead

        def watched(files):  # type: ignore[no-untyped-def]
            files = list(files)
            found.extend(path for path, _ in files)
            return read(files)

        monkeypatch.setattr(module, "read_ahead", watched)
        return found

    @pytest.fixture
    def package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """A copy of racro-eval's code, which the summaries take for the code that is running."""
        copy = tmp_path / "package"
        ignored = shutil.ignore_patterns("models", "__pycache__")
        shutil.copytree(Path(racro_eval.__file__).parent, copy, ignore=ignored)
        monkeypatch.setattr(summaries, "PACKAGE", copy)
        summaries._code.cache_clear()
        yield copy
        summaries._code.cache_clear()

    def test_spare_the_second_reading_and_change_nothing(
        self, tmp_path: Path, reads: list[Path]
    ) -> None:
        path = write(tmp_path, *ROWS)
        first, second = collect([path]), collect([path])
        assert first == second
        assert reads == [path]

    def test_of_a_changed_file_are_not_used(self, tmp_path: Path, reads: list[Path]) -> None:
        path = write(tmp_path, *ROWS)
        collect([path])
        write(tmp_path, ROWS[0])
        assert collect([path])[0].score.samples == 1
        assert reads == [path, path]

    def test_of_a_file_touched_later_are_not_used(self, tmp_path: Path, reads: list[Path]) -> None:
        path = write(tmp_path, *ROWS)
        collect([path])
        path.write_bytes(path.read_bytes().replace(b'"truncated","0"', b'"incorrect","0"'))
        os.utime(path, ns=(1, 1))
        assert collect([path])[0].score.statuses["truncated"] == 0
        assert reads == [path, path]

    def test_by_another_spec_are_not_used(self, tmp_path: Path) -> None:
        path = write(tmp_path, *ROWS)
        collect([path])
        sidecar = json.loads(path.with_suffix(".json").read_text())
        sidecar["spec"]["rows"] = 3
        path.with_suffix(".json").write_text(json.dumps(sidecar))
        assert not collect([path])[0].score.partial

    @pytest.mark.parametrize(
        "name",
        [
            "scoring/metrics/accuracy.py",
            "scoring/metrics/wemath_domains.yaml",
            "scoring/official/mmmu.py",
            "data/spec.py",
            "leaderboard/reading.py",
            "a_new_module.py",
        ],
    )
    def test_by_other_code_are_not_used(
        self, tmp_path: Path, reads: list[Path], package: Path, name: str
    ) -> None:
        path = write(tmp_path, *ROWS)
        collect([path])
        summaries._code.cache_clear()
        collect([path])
        assert reads == [path]
        with (package / name).open("a") as file:
            file.write("# changed\n")
        summaries._code.cache_clear()
        collect([path])
        assert reads == [path, path]

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"of": 1}', "\0"])
    def test_that_are_damaged_are_made_again(self, tmp_path: Path, content: str) -> None:
        path = write(tmp_path, *ROWS)
        expected = collect([path])
        summary_path(path).write_text(content)
        assert collect([path]) == expected

    def test_that_cannot_be_written_are_done_without(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError("read-only")

        path = write(tmp_path, *ROWS)
        monkeypatch.setattr(Path, "write_text", refuse)
        assert collect([path])[0].score.samples == 3
        assert not summary_path(path).exists()


@pytest.mark.parametrize(
    ("answers", "right", "why"),
    [
        ([("1", "correct"), ("2", "incorrect"), ("1", "correct")], True, "two of three"),
        ([("2", "incorrect"), ("1", "correct"), ("2", "incorrect")], False, "a wrong majority"),
        ([("1/2", "correct"), ("2", "incorrect"), ("0.5", "correct")], True, "one answer, spelt"),
        ([("2", "incorrect"), ("1", "correct")], False, "the earlier wins a tie"),
        ([("1", "correct"), ("2", "incorrect")], True, "the earlier wins a tie"),
        ([("", "unparsed"), ("", "truncated"), ("1", "correct")], True, "no answer is no vote"),
        ([("", "unparsed")], False, "nobody voted"),
    ],
)
def test_the_majority(answers: list[tuple[str, str]], right: bool, why: str) -> None:
    given, statuses = zip(*answers, strict=True)
    assert Answers(list(given), list(statuses)).majority_right == right, why
