"""The tests' own helpers: what is missing is said, and never waited for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import shared_data, shared_facts
from tests.support.waiting import wait_for


def test_without_real_rows_a_test_is_skipped_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RACRO_REQUIRE_DATA", raising=False)
    monkeypatch.setenv("RACRO_TEST_DATA", str(tmp_path / "none"))
    with pytest.raises(pytest.skip.Exception, match=f"no real benchmark rows at {tmp_path}/none"):
        shared_data()


def test_where_real_rows_are_required_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RACRO_REQUIRE_DATA", "1")
    monkeypatch.setenv("RACRO_TEST_DATA", str(tmp_path / "none"))
    with pytest.raises(pytest.fail.Exception, match="no real benchmark rows"):
        shared_data()
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("RACRO_TEST_DATA", str(tmp_path / "data"))
    assert shared_data() == tmp_path / "data"
    with pytest.raises(pytest.fail.Exception, match="no fact sheets"):
        shared_facts()


def test_what_never_comes_is_waited_for_until_the_process_ends() -> None:
    code = "import sys; sys.exit('no space left')"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    with pytest.raises(AssertionError, match="It ended with 1 before: no space left"):
        wait_for(lambda: False, process)
