"""Where the real benchmark rows for parity tests are, if they are on this machine.

A test that needs them is skipped, saying so, where they are not; with the variable
RACRO_REQUIRE_DATA it fails, so that CI cannot be green without them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
"""The root of the checkout."""


def shared_data() -> Path:
    """The folder of real rows and model outputs: the variable RACRO_TEST_DATA or ../shared/data."""
    path = Path(os.environ.get("RACRO_TEST_DATA") or ROOT.parent / "shared" / "data")
    return _needed(path, f"no real benchmark rows at {path}; set RACRO_TEST_DATA")


def shared_facts() -> Path:
    """The folder of the paper's prompts and numbers, beside the real rows."""
    path = shared_data().parent / "facts"
    return _needed(path, f"no fact sheets at {path}")


def _needed(folder: Path, missing: str) -> Path:
    if folder.is_dir():
        return folder
    if os.environ.get("RACRO_REQUIRE_DATA"):
        pytest.fail(f"{missing} (RACRO_REQUIRE_DATA is set)")
    pytest.skip(missing)
