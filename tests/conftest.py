"""Fixtures for all specs."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So a shell starts jobs in the background, and all processes of a test would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tiny_vlm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny random Qwen2.5-VL."""
    from tests.support.tiny_models import build_tiny_vlm

    return build_tiny_vlm(tmp_path_factory.mktemp("models") / "tiny-vlm")


@pytest.fixture(scope="session")
def tiny_reasoner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny random Qwen2, text only."""
    from tests.support.tiny_models import build_tiny_reasoner

    return build_tiny_reasoner(tmp_path_factory.mktemp("models") / "tiny-reasoner")
