"""What identifies a model's weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import MissingError
from racro_eval.models.fingerprint import fingerprint


def checkpoint(folder: Path, weights: bytes) -> ModelEntry:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return ModelEntry(name="m", model=str(folder))


def fingerprint_of(entry: ModelEntry) -> str:
    return fingerprint(entry, "transformers", offline=True)


def test_the_fingerprint_of_a_folder_depends_on_its_content_not_its_path(tmp_path: Path) -> None:
    here = fingerprint_of(checkpoint(tmp_path / "a", b"weights"))
    assert fingerprint_of(checkpoint(tmp_path / "b", b"weights")) == here
    assert fingerprint_of(checkpoint(tmp_path / "b", b"Weights")) != here
    (tmp_path / "a" / "chat_template.jinja").write_text("{{ x }}")
    assert fingerprint_of(checkpoint(tmp_path / "a", b"weights")) != here


def test_a_retrained_checkpoint_of_the_same_size_has_another_fingerprint(
    tmp_path: Path,
) -> None:
    size = 3 << 20
    first = fingerprint_of(checkpoint(tmp_path / "a", bytes(size)))
    assert fingerprint_of(checkpoint(tmp_path / "a", b"\1" * size)) != first


def test_the_fingerprint_for_an_engine_without_weights_is_the_name_only() -> None:
    entry = ModelEntry(name="m", model="any")
    assert fingerprint(entry, "echo", offline=True) == "name only"


def test_a_missing_folder_is_not_looked_up_on_the_hub(
    tmp_path: Path,
) -> None:
    with pytest.raises(MissingError, match="There is no model folder"):
        fingerprint_of(ModelEntry(name="m", model=str(tmp_path / "nowhere")))


def test_the_fingerprint_of_a_hub_model_is_the_cached_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0123456789012345678901234567890123456789"
    repo = tmp_path / "models--org--m"
    snapshot = repo / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert fingerprint_of(ModelEntry(name="m", model="org/m")) == commit
    with pytest.raises(MissingError, match="neither reachable on the hub nor in its local"):
        fingerprint_of(ModelEntry(name="m", model="org/another"))
