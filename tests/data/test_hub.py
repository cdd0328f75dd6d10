"""Datasets of the hub, from local copies and from a stand-in for the hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from racro_eval import load_benchmark
from racro_eval.data.data_roots import benchmark_cache
from racro_eval.errors import DataError, MissingError
from tests.support.benchmarks import picture, write_spec

datasets = pytest.importorskip("datasets")

SOURCE: dict[str, Any] = {
    "kind": "huggingface",
    "dataset": "org/set",
    "config": "{subject}",
    "split": "{split}",
    "parts": {"split": ["dev", "validation"], "subject": ["Art", "Math"]},
    "fields": {"index": "id", "options": "options", "image": ["image_1", "image_2"]},
    "meta": {"split": "split", "subject": "subject", "level": "level"},
}


def make_dataset(folder: Path) -> None:
    """A dataset of two configurations with two splits of two rows each."""
    configs = []
    for subject in ("Art", "Math"):
        paths = []
        for split in ("dev", "validation"):
            path = folder / subject / f"{split}-00000-of-00001.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            _table(f"{split}_{subject}").to_parquet(path)
            paths.append({"split": split, "path": f"{subject}/{split}-*"})
        configs.append({"config_name": subject, "data_files": paths})
    (folder / "README.md").write_text(f"---\nconfigs: {json.dumps(configs)}\n---\n")


def _table(name: str) -> Any:
    columns = {
        "id": [f"{name}_1", f"{name}_2"],
        "question": ["Q1 <image 2>", "Q2"],
        "options": ["['x', 'None']", "[]"],
        "answer": ["B", "3"],
        "image_1": [{"bytes": picture(1), "path": "a.PNG"}, None],
        "image_2": [{"bytes": picture(2), "path": None}, {"bytes": picture(3), "path": None}],
        "solution_image": [{"bytes": b"not needed", "path": None}, None],
        "level": [4.0, None],
    }
    image, text = datasets.Image(), datasets.Value("string")
    features = {name: text for name in columns} | {"level": datasets.Value("float64")}
    features |= {"image_1": image, "image_2": image, "solution_image": image}
    return datasets.Dataset.from_dict(columns, datasets.Features(features))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A data root with a copy of the dataset."""
    make_dataset(tmp_path / "root" / "org" / "set")
    return tmp_path / "root"


def spec(tmp_path: Path, **changes: object) -> str:
    return str(write_spec(tmp_path / "Small.yaml", {**SOURCE, **changes}, 8))


def test_configurations_and_splits_are_joined_in_order(tmp_path: Path, copy: Path) -> None:
    benchmark = load_benchmark(spec(tmp_path), data_root=copy)
    assert benchmark.indices == [
        f"{split}_{subject}_{number}"
        for split in ("dev", "validation")
        for subject in ("Art", "Math")
        for number in (1, 2)
    ]
    first, second = benchmark.samples[:2]
    assert dict(first.options) == {"A": "x", "B": "None"}
    assert dict(first.meta) == {"split": "dev", "subject": "Art", "level": "4"}
    assert [image.read() for image in first.images] == [picture(1), picture(2)]
    assert [image.read() for image in second.images] == [picture(3)]
    assert "<image 2>" in first.question, "the text keeps the references to images"


def test_the_origin_says_which_state_was_read(tmp_path: Path, copy: Path) -> None:
    before = load_benchmark(spec(tmp_path), data_root=copy).origin
    assert before.startswith("org/set@local-")
    assert load_benchmark(spec(tmp_path), data_root=copy).origin == before
    path = copy / "org" / "set" / "Art" / "dev-00000-of-00001.parquet"
    _table("other").to_parquet(path)
    changed = load_benchmark(spec(tmp_path), data_root=copy)
    assert changed.origin != before
    assert changed.indices[0] == "other_1", "a changed copy is read anew"


def test_an_image_column_that_is_not_there(tmp_path: Path, copy: Path) -> None:
    fields = {**SOURCE["fields"], "image": "picture"}
    with pytest.raises(DataError, match="has no column 'picture'"):
        load_benchmark(spec(tmp_path, fields=fields), data_root=copy)


def test_a_split_that_is_not_there(tmp_path: Path, copy: Path) -> None:
    with pytest.raises(MissingError, match="split nowhere"):
        load_benchmark(spec(tmp_path, split="nowhere"), data_root=copy)


def test_a_dataset_script_is_never_run(tmp_path: Path) -> None:
    folder = tmp_path / "root" / "org" / "set"
    folder.mkdir(parents=True)
    proof = tmp_path / "it-ran"
    (folder / "set.py").write_text(f"open({str(proof)!r}, 'w').close()\n")
    with pytest.raises(MissingError, match="cannot be loaded"):
        load_benchmark(spec(tmp_path), data_root=tmp_path / "root")
    assert not proof.exists()


class TestFromTheHub:
    """The stand-in answers with a commit, and streams the rows of a local folder."""

    COMMIT = "0123456789abcdef0123456789abcdef01234567"

    @pytest.fixture(autouse=True)
    def hub(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
        """The loads asked for."""
        import huggingface_hub

        make_dataset(tmp_path / "hub")
        asked: list[dict[str, Any]] = []
        load = datasets.load_dataset

        def stand_in(where: str, config: str, **how: Any) -> Any:
            asked.append({"where": where, "config": config, **how})
            return load(str(tmp_path / "hub"), config, **{**how, "revision": None})

        class Facts:
            sha = self.COMMIT

        def info(*_: object, **__: object) -> Facts:
            return Facts()

        monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", info)
        monkeypatch.setattr(datasets, "load_dataset", stand_in)
        return asked

    def test_it_is_streamed_once_at_the_resolved_commit(
        self, tmp_path: Path, hub: list[dict[str, Any]]
    ) -> None:
        benchmark = load_benchmark(spec(tmp_path))
        assert len(benchmark) == 8
        assert benchmark.origin == f"org/set@{self.COMMIT}"
        assert len(hub) == 4
        assert all(call["streaming"] and call["revision"] == self.COMMIT for call in hub)
        assert load_benchmark(spec(tmp_path), offline=True).origin == benchmark.origin
        assert len(hub) == 4, "the second load takes the cached rows"

    @pytest.mark.parametrize("library", ["requests", "httpx"])
    def test_a_hub_that_is_away(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
    ) -> None:
        import huggingface_hub

        kind = ConnectionError
        if library == "httpx":  # what newer clients of the hub raise, which is no OSError
            kind = pytest.importorskip("httpx").ConnectError

        def away(*_: object, **__: object) -> None:
            raise kind("no route to the hub")

        monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", away)
        with pytest.raises(MissingError, match=r"org/set .*\(no route to the hub\).*--data-root"):
            load_benchmark(spec(tmp_path))

    def test_finished_parts_survive_an_interruption(
        self, tmp_path: Path, hub: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        works = datasets.load_dataset

        def breaks(where: str, config: str, **how: Any) -> Any:
            if len(hub) == 2:
                raise ConnectionError("the line is dead")
            return works(where, config, **how)

        monkeypatch.setattr(datasets, "load_dataset", breaks)
        with pytest.raises(MissingError, match="the line is dead"):
            load_benchmark(spec(tmp_path))
        with pytest.raises(MissingError, match="No file of Small"):
            load_benchmark(spec(tmp_path), offline=True)
        monkeypatch.setattr(datasets, "load_dataset", works)
        assert len(load_benchmark(spec(tmp_path))) == 8
        assert len(hub) == 4, "two parts before, the other two after"

    def test_a_pinned_revision_is_the_only_one_taken(
        self, tmp_path: Path, hub: list[dict[str, Any]]
    ) -> None:
        load_benchmark(spec(tmp_path))
        with pytest.raises(MissingError):
            load_benchmark(spec(tmp_path, revision="another"), offline=True)
        pinned = spec(tmp_path, revision=self.COMMIT)
        assert len(load_benchmark(pinned, offline=True)) == 8

    def test_only_the_images_in_use_are_kept(self, tmp_path: Path) -> None:
        load_benchmark(spec(tmp_path))
        names = {path.name for path in benchmark_cache().rglob("00000*")}
        assert names == {"000000-image_1.png", "000000-image_2", "000001-image_2"}
