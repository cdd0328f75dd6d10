"""A graded file is current only while it is what was written, made from the answers of now."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from racro_eval import RunConfig, run
from racro_eval.data import Benchmark, load_benchmark
from racro_eval.errors import CacheError, ConfigError
from racro_eval.leaderboard.collect import collect
from racro_eval.stages import grade
from racro_eval.stages.grade import grade_file, write_graded
from racro_eval.store import file_hash
from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.file_hash import cached_hash
from racro_eval.store.file_lock import FileLock
from racro_eval.store.row_table import RowTable
from racro_eval.store.sidecar import sidecar_path
from tests.support.benchmarks import make_json_benchmark
from tests.support.results import read_json
from tests.support.store import row, write

MANIFEST = {"key": "00000000", "config": "00000000", "labels": {}, "parents": {}}


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    path = make_json_benchmark(tmp_path / "data", 6)
    return load_benchmark(str(path), data_root=path.parent)


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    path = tmp_path / "results" / "tentative-00000000.csv"
    write(path, *(row(str(number), "\\boxed{A}") for number in range(1, 7)))
    return path


def graded(answers: Path, benchmark: Benchmark) -> Path:
    with RowTable(answers, CALL_COLUMNS) as table:
        return grade_file(table, benchmark, MANIFEST)


def cut_row(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def cut_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip_verdict(path: Path) -> None:
    """Of the same size, and the time of change is set back."""
    about = path.stat()
    content = path.read_bytes()
    spoiled = content.replace(b'"1","0"', b'"1","9"', 1)
    assert len(spoiled) == len(content) and spoiled != content
    with path.open("r+b") as file:
        file.write(spoiled)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def lose_sidecar(path: Path) -> None:
    sidecar_path(path).unlink()


def sidecar_of_an_older_version(path: Path) -> None:
    content = read_json(path)
    del content["graded"]["sha256"], content["graded"]["rows"]
    sidecar_path(path).write_text(json.dumps(content))


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize(
    "damage", [cut_row, cut_half, flip_verdict, zeros, lose_sidecar, sidecar_of_an_older_version]
)
def test_what_is_damaged_is_graded_again(
    answers: Path,
    benchmark: Benchmark,
    damage: Callable[[Path], None],
    size: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if size == "large":
        monkeypatch.setattr(file_hash, "MIN_CACHED_SIZE", 0)
    path = graded(answers, benchmark)
    good = path.read_bytes(), read_json(path)
    damage(path)
    assert graded(answers, benchmark) == path
    assert (path.read_bytes(), read_json(path)) == good


def test_the_leaderboard_refuses_what_is_not_what_was_written(
    answers: Path, benchmark: Benchmark
) -> None:
    path = graded(answers, benchmark)
    assert len(collect([path])) == 1
    cut_row(path)
    with pytest.raises(CacheError, match="changed after it was graded"):
        collect([path])


def test_what_is_whole_is_left_alone(answers: Path, benchmark: Benchmark) -> None:
    path = graded(answers, benchmark)
    inode = path.stat().st_ino
    graded(answers, benchmark)
    assert path.stat().st_ino == inode
    facts = read_json(path)["graded"]
    assert facts["rows"] == 6
    names = sorted(os.listdir(path.parent))
    assert not [name for name in names if name.endswith((".lock", ".owner", ".tmp"))][1:]


def test_answers_that_change_while_they_are_graded_leave_no_current_file(
    answers: Path, benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = graded(answers, benchmark)
    before = path.read_bytes()
    write(answers, row("1", "\\boxed{B}"))
    grade_row = grade.grade_row

    def judge_and_edit(*words: object) -> object:
        with answers.open("r+b") as file:
            content = file.read()
            file.seek(0)
            file.write(content.replace(b"{A}", b"{C}"))
        return grade_row(*words)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(grade, "grade_row", judge_and_edit)
        with pytest.raises(CacheError, match="changed while it was graded"):
            graded(answers, benchmark)
    assert path.read_bytes() == before
    graded(answers, benchmark)
    with RowTable(answers, CALL_COLUMNS) as table:
        assert read_json(path)["graded"]["rows_sha256"] == table.sha256()
    assert b"{C}" in path.read_bytes()


def test_rows_that_are_appended_while_others_are_graded_are_graded_by_the_next_run(
    answers: Path, benchmark: Benchmark
) -> None:
    with RowTable(answers, CALL_COLUMNS) as table:
        write(answers, row("1", "\\boxed{B}"))
        path = grade_file(table, benchmark, MANIFEST)
        assert read_json(path)["graded"]["rows_sha256"] == table.sha256()
    first = path.read_bytes()
    assert b"{B}" not in first
    graded(answers, benchmark)
    assert b"{B}" in path.read_bytes()


def test_two_do_not_grade_one_file_at_once(answers: Path, benchmark: Benchmark) -> None:
    path = graded(answers, benchmark)
    path.unlink()
    lock = FileLock(path)
    lock.acquire()
    notes: list[str] = []

    def note(text: str) -> None:
        notes.append(text)
        lock.release()

    with RowTable(answers, CALL_COLUMNS) as table:
        grade_file(table, benchmark, MANIFEST, on_wait=note)
    assert "is being written by process" in notes[0]
    assert path.exists()


def test_a_disk_that_is_full_is_a_sentence_and_the_old_file_stays(
    answers: Path, benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = graded(answers, benchmark)
    before = path.read_bytes(), read_json(path)
    write(answers, row("1", "\\boxed{B}"))

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ConfigError, match=r"No space left on device\. Free some space"):
            graded(answers, benchmark)
    assert (path.read_bytes(), read_json(path)) == before


def test_an_index_that_cannot_be_stored_as_it_is_has_its_verdict(
    answers: Path, benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = benchmark["1"]
    write(answers, row("nul \0", "\\boxed{A}"))
    odd = Benchmark(benchmark.spec, [sample], {"nul \0": 0}, "")
    with RowTable(answers, CALL_COLUMNS) as table:
        assert [verdict["index"] for verdict in grade.grade_rows(table.rows(), odd)] == ["1"]


def test_verdicts_for_a_user_are_whole_or_not_there(tmp_path: Path, benchmark: Benchmark) -> None:
    out = tmp_path / "out.csv"
    out.write_text("before")

    def rows() -> object:
        yield from grade.grade_rows([row("1", "\\boxed{A}")], benchmark)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_graded(rows(), out, benchmark)  # type: ignore[arg-type]
    assert out.read_text() == "before"
    assert sorted(os.listdir(tmp_path)) == ["data", "out.csv"]


class TestKeptHashes:
    """A large file that nobody has touched is read once."""

    @pytest.fixture
    def path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(file_hash, "MIN_CACHED_SIZE", 0)
        path = tmp_path / "large.csv"
        path.write_text("content")
        return path

    @staticmethod
    def read(path: Path) -> tuple[str, int]:
        """The hash, and how often the file was read for it."""
        times: list[int] = []

        def calculate() -> str:
            times.append(1)
            return path.read_text()

        with path.open("rb") as file:
            return cached_hash(path, file.fileno(), calculate), len(times)

    def test_a_file_that_just_changed_is_not_believed_to_be_quiet(self, path: Path) -> None:
        assert self.read(path) == ("content", 1)
        assert self.read(path) == ("content", 1)

    def test_one_that_is_quiet_is_read_once(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_hash, "_MIN_UNCHANGED_NS", 0)
        assert self.read(path) == ("content", 1)
        assert self.read(path) == ("content", 0)
        path.write_text("CONTENT")
        assert self.read(path) == ("CONTENT", 1)

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"of": 1}', "\xff"])
    def test_a_damaged_one_is_calculated_again(self, path: Path, content: str) -> None:
        self.read(path)
        path.with_name(".large.sha256.json").write_text(content, encoding="latin-1")
        assert self.read(path) == ("content", 1)


class TestJudged:
    """The file with a judge's verdicts follows the same truth."""

    @pytest.fixture
    def files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
        self.spec = make_json_benchmark(tmp_path / "data", 6)
        monkeypatch.chdir(tmp_path)
        plain, judged = self.go()
        return plain, judged

    def go(self) -> list[Path]:
        config = RunConfig(
            data=[str(self.spec)],  # type: ignore[arg-type]
            mllm=["echo:model"],  # type: ignore[arg-type]
            variant=["qa"],  # type: ignore[arg-type]
            judge="echo:judge",
            results=Path("r"),
            data_root=self.spec.parent,
        )
        return run(config).graded

    @pytest.mark.parametrize("damage", [cut_row, cut_half, flip_verdict, zeros])
    @pytest.mark.parametrize("which", [0, 1], ids=["the rules' file", "the judge's file"])
    def test_what_is_damaged_is_made_again(
        self, files: tuple[Path, Path], which: int, damage: Callable[[Path], None]
    ) -> None:
        before = [(path.read_bytes(), read_json(path)) for path in files]
        damage(files[which])
        self.go()
        assert [(path.read_bytes(), read_json(path)) for path in files] == before

    def test_it_says_from_what_it_was_made(self, files: tuple[Path, Path]) -> None:
        plain, judged = map(read_json, files)
        assert judged["graded"]["verdicts_sha256"] == plain["graded"]["sha256"]
        assert judged["graded"]["sha256"] != plain["graded"].get("replies_sha256")
        assert judged["graded"]["rows"] == 6
