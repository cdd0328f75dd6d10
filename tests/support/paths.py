"""Where the real benchmark rows for parity tests are, if they are on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
"""The root of the checkout."""


def shared_data() -> Path:
    """The folder of real rows and model outputs (variable RACRO_TEST_DATA); skips without it."""
    path = Path(os.environ.get("RACRO_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not path.is_dir():
        pytest.skip(f"no real benchmark rows at {path}; set RACRO_TEST_DATA")
    return path


def shared_facts() -> Path:
    """The folder of the paper's prompts and numbers, beside the real rows; skips without it."""
    path = shared_data().parent / "facts"
    if not path.is_dir():
        pytest.skip(f"no fact sheets at {path}")
    return path
