"""Each test of reading has its own cache and no data root of the user."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RACRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RACRO_DATA", raising=False)
