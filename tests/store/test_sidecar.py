"""The JSON beside a CSV, for people and for programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from racro_eval.errors import CacheError
from racro_eval.store.sidecar import read_sidecar, runs_of, sidecar_path, write_sidecar


def test_it_is_readable_as_text(tmp_path: Path) -> None:
    path = tmp_path / "caption-1a2b3c4d.csv"
    write_sidecar(path, {"labels": {"benchmark": "数学"}, "runs": []})
    assert sidecar_path(path).read_text(encoding="utf-8") == (
        '{\n  "labels": {\n    "benchmark": "数学"\n  },\n  "runs": []\n}\n'
    )
    assert read_sidecar(path) == {"labels": {"benchmark": "数学"}, "runs": []}


def test_a_missing_one_is_empty(tmp_path: Path) -> None:
    assert read_sidecar(tmp_path / "x.csv") == {}


@pytest.mark.parametrize(
    ("content", "expected"),
    [("[1]", {}), ('"x"', {}), ("{", None), ("\xff", None), ("[" * 100_000, None)],
)
def test_what_is_no_object_is_empty_and_what_is_no_json_an_error(
    tmp_path: Path, content: str, expected: dict[str, object] | None
) -> None:
    path = tmp_path / "x.csv"
    sidecar_path(path).write_text(content, encoding="latin-1")
    if expected is None:
        with pytest.raises(CacheError, match="is not valid JSON"):
            read_sidecar(path)
    else:
        assert read_sidecar(path) == expected


@pytest.mark.parametrize("runs", [None, {}, "x", 3])
def test_runs_that_are_no_list_are_none(runs: object) -> None:
    assert runs_of({"runs": runs}) == []


def test_runs_that_are_no_objects_are_left_out() -> None:
    assert runs_of({"runs": [1, {"new": 2}, None]}) == [{"new": 2}]
