"""A model folder is known by its whole content, and no file is read twice for it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import DataError, MissingError
from racro_eval.models import weights
from racro_eval.models.fingerprint import fingerprint
from racro_eval.models.resolve import builtin_models
from racro_eval.models.weights import file_hash, folder_hash

MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of notes."""
    monkeypatch.setenv("RACRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "_TICK_S", 0.02)
    return tmp_path / "cache" / "weights"


def checkpoint(folder: Path, content: bytes = b"weights") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(content)
    return folder


class TestContent:
    def test_a_change_in_the_middle_of_large_weights_is_seen(self, tmp_path: Path) -> None:
        folder = checkpoint(tmp_path / "m", bytes(48 * MEGABYTE))
        before = folder_hash(folder)
        with (folder / "model.safetensors").open("r+b") as file:
            file.seek(24 * MEGABYTE + 12_345)
            file.write(b"x")
        assert folder_hash(folder) != before

    def test_its_place_does_not_matter(self, tmp_path: Path) -> None:
        first, second = checkpoint(tmp_path / "a"), checkpoint(tmp_path / "b")
        assert folder_hash(first) == folder_hash(second)

    @pytest.mark.parametrize(
        ("name", "counts"),
        [
            ("chat_template.jinja", True),
            ("generation_config.json", True),
            ("preprocessor_config.json", True),
            ("tokenizer.model", True),
            ("merges.txt", True),
            ("vocab.tiktoken", True),
            ("adapter_model.safetensors", True),
            ("additional_chat_templates/tool_use.jinja", True),
            ("modelling.py", True),
            ("a-kind-of-file-to-come.xyz", True),
            ("README.md", False),
            ("LICENSE.txt", False),
            (".gitattributes", False),
            (".cache/huggingface/download/config.json.lock", False),
            ("optimizer.pt", False),
            ("optimizer.bin", False),
            ("scheduler.pt", False),
            ("rng_state_0.pth", False),
            ("scaler.pt", False),
            ("trainer_state.json", False),
            ("training_args.bin", False),
            ("events.out.tfevents.1", False),
            ("train.log", False),
            ("NOTICE", False),
            ("figure.png", False),
            ("figure.jpg", False),
            ("paper.pdf", False),
            ("checkpoint-100/model.safetensors", False),
            ("global_step100/mp_rank_00_model_states.pt", False),
            ("runs/May01/x", False),
            ("logs/x", False),
            ("__pycache__/modelling.pyc", False),
        ],
    )
    def test_every_file_counts_but_what_is_known_to_change_no_text(
        self, tmp_path: Path, name: str, counts: bool
    ) -> None:
        folder = checkpoint(tmp_path / "m")
        before = folder_hash(folder)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
        assert (folder_hash(folder) != before) == counts

    def test_weights_that_change_while_they_are_read_are_not_taken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = checkpoint(tmp_path / "m") / "model.safetensors"
        monkeypatch.setattr("time.sleep", lambda _: path.write_bytes(b"another epoch"))
        with pytest.raises(DataError, match="changed while it was read"):
            file_hash(path)

    def test_a_pipe_in_the_folder_is_not_waited_for(self, tmp_path: Path) -> None:
        folder = checkpoint(tmp_path / "m")
        os.mkfifo(folder / "model.bin")
        assert folder_hash(folder)

    def test_a_folder_that_is_no_model_is_not_read_at_all(self, tmp_path: Path) -> None:
        entry = ModelEntry(name="m", model=str(tmp_path))
        with pytest.raises(MissingError, match=r"is not a model: it has no config\.json"):
            fingerprint(entry, "transformers", offline=True)


class TestCache:
    def notes(self, cache: Path) -> dict[str, dict[str, Any]]:
        found = (json.loads(path.read_text()) for path in cache.glob("*.json"))
        return {Path(note["path"]).name: note for note in found}

    def rewrite(self, cache: Path, content: bytes) -> None:
        for path in cache.glob("*.json"):
            path.write_bytes(content)

    def test_a_file_is_read_once(self, tmp_path: Path, cache: Path) -> None:
        path = checkpoint(tmp_path / "m") / "model.safetensors"
        found = file_hash(path)
        assert found == hashlib.sha256(b"weights").hexdigest()
        note = self.notes(cache)["model.safetensors"]
        assert set(note) == {"path", "size", "mtime_ns", "ctime_ns", "inode", "device", "sha256"}
        other = "0" * 64
        self.rewrite(cache, json.dumps(note | {"sha256": other}).encode())
        assert file_hash(path) == other, "the note is believed: the file was not read"

    @pytest.mark.parametrize("name", ["path", "size", "mtime_ns", "ctime_ns", "inode", "device"])
    def test_a_note_of_another_state_is_not_believed(
        self, tmp_path: Path, cache: Path, name: str
    ) -> None:
        path = checkpoint(tmp_path / "m") / "model.safetensors"
        found = file_hash(path)
        note = self.notes(cache)["model.safetensors"] | {"sha256": "0" * 64, name: 1}
        self.rewrite(cache, json.dumps(note).encode())
        assert file_hash(path) == found

    def test_a_change_that_hides_its_time_is_seen(self, tmp_path: Path) -> None:
        path = checkpoint(tmp_path / "m") / "model.safetensors"
        before, stat = file_hash(path), path.stat()
        time.sleep(0.02)  # a tick of the file system's clock
        path.write_bytes(b"Weights")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert path.stat().st_ino == stat.st_ino
        assert file_hash(path) != before

    def test_a_change_just_after_the_hash_has_another_time(self, tmp_path: Path) -> None:
        path = checkpoint(tmp_path / "m") / "model.safetensors"
        for number in range(10):
            path.write_bytes(str(number).encode())
            assert file_hash(path) == hashlib.sha256(str(number).encode()).hexdigest()

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\0" * 100,
            b"\xff\xfe",
            b"[]",
            b"null",
            b"{",
            b'{"sha256": 7}',
            b"[" * 100_000,
            b"1" * 10_000,
        ],
    )
    def test_a_damaged_note_costs_time_only(
        self, tmp_path: Path, cache: Path, content: bytes
    ) -> None:
        path = checkpoint(tmp_path / "m") / "model.safetensors"
        found = file_hash(path)
        self.rewrite(cache, content)
        assert file_hash(path) == found
        assert self.notes(cache)["model.safetensors"]["sha256"] == found, "it is written again"

    @pytest.mark.parametrize("sha256", ["", "x" * 64, "0" * 63, None, ["0" * 64]])
    def test_a_note_with_no_hash_in_it_is_not_believed(
        self, tmp_path: Path, cache: Path, sha256: object
    ) -> None:
        path = checkpoint(tmp_path / "m") / "model.safetensors"
        found = file_hash(path)
        note = self.notes(cache)["model.safetensors"] | {"sha256": sha256}
        self.rewrite(cache, json.dumps(note).encode())
        assert file_hash(path) == found

    def test_a_cache_that_cannot_be_written_costs_time_only(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = checkpoint(tmp_path / "m")
        found = folder_hash(folder)
        (tmp_path / "a-file").write_text("")
        monkeypatch.setenv("RACRO_CACHE", str(tmp_path / "a-file"))
        assert folder_hash(folder) == found

    def test_several_processes_at_once(self, tmp_path: Path, cache: Path) -> None:
        folder = checkpoint(tmp_path / "m", bytes(8 * MEGABYTE))
        program = (
            "import sys\n"
            "from pathlib import Path\n"
            "from racro_eval.models import weights\n"
            "print(*{weights.folder_hash(Path(sys.argv[1])) for _ in range(5)})"
        )
        command = [sys.executable, "-c", program, str(folder)]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        said = {process.communicate()[0].strip() for process in running}
        assert said == {folder_hash(folder)}
        assert len(self.notes(cache)) == 2
        assert not list(cache.glob("*.tmp"))


SHIPPED = {
    "demo-captioner": ("sha256:4a25b48992738276", "c0b3c7a4a31efe14"),
    "demo-reasoner": ("sha256:e559f91a3cb8658c", "05dbca0d22369a0f"),
    "demo-reasoner-weak": ("sha256:9ba906f11f8f6f4b", "a0f51a60487b47e8"),
}
"""Built-in name → its identity, and the hash of the files to which it belongs.

A model that is trained anew needs a new identity, or its rows would be those of the old one.
"""


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_the_identity_of_a_shipped_model_is_that_of_its_files(name: str) -> None:
    entry = builtin_models()[name]
    assert entry.local_folder is not None
    assert (entry.identity, folder_hash(entry.local_folder)) == SHIPPED[name]


def test_every_shipped_model_is_among_them() -> None:
    assert set(SHIPPED) == {name for name, entry in builtin_models().items() if entry.identity}


def test_a_hash_that_takes_a_moment_is_not_mentioned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_hash(checkpoint(tmp_path / "m"))
    assert capsys.readouterr().err == ""


def test_the_hash_is_shown_if_it_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(weights, "_SHOWN_AFTER_S", -1)
    folder_hash(checkpoint(tmp_path / "m", bytes(9 * MEGABYTE)))
    assert "hashing m (once)" in capsys.readouterr().err
