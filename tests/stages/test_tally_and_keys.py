"""What a stage's file counts, and what its name and its sidecar hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from racro_eval.stages.stage_file import Parent, StageFile, Tally, short_hash
from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.shards import Shard
from tests.support.results import read_json
from tests.support.store import row

FULL = {"prompt_tokens": "7", "completion_tokens": "5", "finish_reason": "stop"}


@pytest.mark.parametrize(
    ("values", "failed", "truncated", "tokens"),
    [
        (FULL, 0, 0, (7, 5)),
        ({**FULL, "finish_reason": "length"}, 0, 1, (7, 5)),
        ({**FULL, "prediction": "<think>never ended"}, 0, 1, (7, 5)),
        ({"error": "refused"}, 1, 0, (0, 0)),
    ],
)
def test_a_new_row_is_counted(
    values: dict[str, str], failed: int, truncated: int, tokens: tuple[int, int]
) -> None:
    tally = Tally()
    tally.add({**row("1"), **values})
    assert (tally.new, tally.failed, tally.truncated) == (1, failed, truncated)
    assert (tally.prompt_tokens, tally.completion_tokens) == tokens


def test_the_first_error_stays() -> None:
    tally = Tally()
    for index in ("1", "2"):
        tally.add(row(index, error=f"error of {index}"))
    assert (tally.failed, tally.first_error) == (2, "row 1: error of 1")


def stage_file(folder: Path, **changes: Any) -> StageFile:
    given: dict[str, Any] = {
        "folder": folder,
        "stem": "qcap+sol",
        "columns": CALL_COLUMNS,
        "settings": {"stage": "reason", "seed": 1},
        "benchmark": {"name": "B", "data": "d"},
        "labels": {"benchmark": "B", "mllm": "m"},
        "about": {"question_style": "racro"},
        "parents": {"caption": Parent("11111111", "22222222")},
    }
    return StageFile(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "of_key", "of_settings"),
    [
        ({"settings": {"stage": "reason", "seed": 2}}, True, True),
        ({"benchmark": {"name": "B", "data": "e"}}, True, False),
        ({"parents": {"caption": Parent("11111112", "22222222")}}, True, False),
        ({"parents": {"caption": Parent("11111111", "22222223")}}, False, True),
        ({"parents": {"tentative": Parent("11111111", "22222222")}}, True, True),
        ({"labels": {"benchmark": "B", "mllm": "another name"}}, False, False),
        ({"about": {}}, False, False),
        ({"shard": Shard(1, 2)}, False, False),
    ],
)
def test_what_changes_a_text_changes_the_key(
    tmp_path: Path, changes: dict[str, Any], of_key: bool, of_settings: bool
) -> None:
    one, other = stage_file(tmp_path), stage_file(tmp_path, **changes)
    assert (one.key != other.key) is of_key
    assert (one.settings_hash != other.settings_hash) is of_settings


def test_a_key_does_not_depend_on_the_order_of_settings() -> None:
    assert short_hash({"a": 1, "b": "é"}) == short_hash({"b": "é", "a": 1})
    assert len(short_hash({})) == 8


def test_a_sidecar_says_what_is_in_the_file(tmp_path: Path) -> None:
    file = stage_file(tmp_path)
    file.open_writer(lambda message: None)
    file.begin()
    working = read_json(file.path)
    file.append({**row("1"), **FULL})
    file.finish(["1"], {"wall_s": 1.5})
    file.close()
    assert set(working["process"]) == {"pid", "host", "started_at", "argv"}
    content = read_json(file.path)
    (run,) = content.pop("runs")
    assert content == {
        "schema": 1,
        "key": file.key,
        "config": file.settings_hash,
        "labels": {"benchmark": "B", "mllm": "m"},
        "benchmark": {"name": "B", "data": "d"},
        "settings": {"stage": "reason", "seed": 1},
        "parents": {"caption": {"key": "11111111", "config": "22222222"}},
        "question_style": "racro",
        "rows": 1,
    }
    assert (run["new"], run["completion_tokens"], run["wall_s"]) == (1, 5, 1.5)
    assert file.path.name == f"qcap+sol-{file.key}.csv"
