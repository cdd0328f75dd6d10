"""Engines with tiny models, loaded once for all specs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from racro_eval.engines import Engine, create_engine
from tests.engines.prompts import entry


@pytest.fixture(scope="session")
def captioner(tiny_vlm: Path) -> Iterator[Engine]:
    engine = create_engine(entry(tiny_vlm), "transformers")
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def reasoner(tiny_reasoner: Path) -> Iterator[Engine]:
    engine = create_engine(entry(tiny_reasoner), "transformers")
    yield engine
    engine.close()
