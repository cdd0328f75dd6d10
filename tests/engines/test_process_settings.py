"""The transformers engine leaves torch's threads and transformers' logging as it found them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import torch
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars
from transformers.utils import logging

from racro_eval.engines import create_engine
from racro_eval.engines.transformers.process_settings import one_thread, quiet
from tests.engines.prompts import ask, entry

SETTINGS = (3, logging.INFO, True, False)


def settings() -> tuple[Any, ...]:
    return (
        torch.get_num_threads(),
        logging.get_verbosity(),
        logging.is_progress_bar_enabled(),
        are_progress_bars_disabled(),
    )


@pytest.fixture(autouse=True)
def unusual_settings() -> Iterator[None]:
    """Settings that differ from the defaults and from those of the engine."""
    threads, verbosity, bars, _ = settings()
    torch.set_num_threads(SETTINGS[0])
    logging.set_verbosity(SETTINGS[1])
    logging.enable_progress_bar()
    yield
    torch.set_num_threads(threads)
    logging.set_verbosity(verbosity)
    if not bars:
        logging.disable_progress_bar()


@pytest.mark.model
def test_they_are_put_back_after_loading_between_batches_and_at_the_end(
    tiny_reasoner: Path,
) -> None:
    engine = create_engine(entry(tiny_reasoner, options={"batch_size": 1}), "transformers")
    assert settings() == SETTINGS
    for _ in engine.stream([ask("1", "one"), ask("2", "two")]):
        assert settings() == SETTINGS
    engine.close()
    assert settings() == SETTINGS


@pytest.mark.model
def test_they_are_put_back_when_loading_fails(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"no config\.json"):
        create_engine(entry(tmp_path), "transformers")
    assert settings() == SETTINGS


def test_a_block_is_quiet_and_on_one_thread_and_blocks_may_be_nested() -> None:
    with quiet(), one_thread():
        assert settings() == (1, logging.ERROR, False, True)
        with quiet(), one_thread():
            pass
        assert settings()[1:] == (logging.ERROR, False, True)
    assert settings() == SETTINGS


def test_bars_of_the_hub_that_were_off_stay_off() -> None:
    disable_progress_bars()
    with quiet():
        pass
    assert settings() == (*SETTINGS[:3], True)


def test_engines_in_several_threads_put_back_what_was_there_before_the_first() -> None:
    begun, ended = Barrier(2), Barrier(2)

    def first() -> int:
        with quiet(), one_thread():
            begun.wait()  # the second one begins while this one works
            ended.wait()  # and ends before it
        return int(torch.get_num_threads())

    def second() -> int:
        begun.wait()
        with quiet(), one_thread():
            assert torch.get_num_threads() == 1
        ended.wait()
        return int(torch.get_num_threads())

    with ThreadPoolExecutor(2) as pool:
        assert [future.result() for future in (pool.submit(first), pool.submit(second))] == [3, 3]
        assert pool.submit(torch.get_num_threads).result() == 3
    assert settings() == SETTINGS
