"""The Ray engine: Ray Data LLM on this machine, with real vLLM on the CPU and a tiny model."""

from __future__ import annotations

import importlib.util
import os
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

if not os.environ.get("RACRO_REQUIRE_VLLM"):
    for package in ("ray", "vllm"):
        if importlib.util.find_spec(package) is None:
            reason = f"{package} is not installed; `make test` installs it with vLLM's CPU build"
            pytest.skip(reason, allow_module_level=True)

from racro_eval.engines import Completion, Engine, create_engine
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import ConfigError, EngineError
from tests.engines.prompts import UNREADABLE, ask, by_id, picture, texts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore"),  # Ray's own code, of which there is much
]

SETTINGS = {"max_model_len": 1024, "options": {"max_num_seqs": 4}}


class Gone:
    """An image that nobody finds."""

    name = "gone.png"

    def read(self) -> bytes:
        from racro_eval.errors import DataError

        raise DataError("The image gone.png cannot be read: it is gone.")


GOOD = [ask(f"r{n}", f"What is {n}?", *[picture(56, 28 * n, n)] * (n % 3)) for n in range(1, 10)]
BAD = [
    ask("unreadable", "x", UNREADABLE),
    ask("gone", "x", Gone()),  # type: ignore[arg-type]
    ask("long", "word " * 3000),
]
DRAWN = [
    ask("likely", "How likely?", logprobs=True),
    ask("seeded", "A draw", temperature=1.0, seed=3),
    ask("seeded again", "A draw", temperature=1.0, seed=3),
    ask("other seed", "A draw", temperature=1.0, seed=4),
]


@pytest.fixture(scope="module")
def completions(tiny_vlm: Path) -> dict[str, Completion]:
    """Every request of this file, all in one stream: starting Ray is what takes the time."""
    entry = ModelEntry(name="vlm", model=str(tiny_vlm), **SETTINGS)
    engine = create_engine(entry, "ray", max_images=2)
    try:
        assert {"ray", "torch", "transformers"} < set(engine.info.versions)
        return by_id(engine, [*GOOD, *BAD, *DRAWN])
    finally:
        engine.close()
        engine.close()


def test_greedy_text_is_that_of_transformers(
    completions: dict[str, Completion], captioner: Engine
) -> None:
    expected = texts(captioner, GOOD)
    assert [completions[r.id].error for r in GOOD] == [None] * len(GOOD)
    same = [r.id for r in GOOD if completions[r.id].texts == (expected[r.id],)]
    assert len(same) >= len(GOOD) - 1
    for request in GOOD:
        done = completions[request.id]
        assert done.finish_reasons in (("stop",), ("length",))
        assert 1 <= done.usage.completion_tokens <= 12
        assert done.usage.prompt_tokens > 5
        assert done.latency_s > 0


def test_the_failure_of_one_request_is_data(completions: dict[str, Completion]) -> None:
    assert "The image broken.png cannot be decoded" in (completions["unreadable"].error or "")
    assert completions["gone"].error == "The image gone.png cannot be read: it is gone."
    assert "1024" in (completions["long"].error or "")
    assert all(completions[request.id].texts == () for request in BAD)


def test_log_probabilities_come_if_asked_for(
    completions: dict[str, Completion], captioner: Engine
) -> None:
    (found,) = completions["likely"].token_logprobs or ()
    (theirs,) = captioner.stream([DRAWN[0]])
    assert theirs.token_logprobs is not None
    if theirs.texts == completions["likely"].texts:
        assert found == pytest.approx(theirs.token_logprobs[0], abs=1e-3)
    assert len(found) == completions["likely"].usage.completion_tokens
    assert completions["seeded"].token_logprobs is None


def test_a_seed_alone_decides_a_draw(completions: dict[str, Completion]) -> None:
    assert completions["seeded"].texts == completions["seeded again"].texts
    assert completions["seeded"].texts != completions["other seed"].texts


@pytest.mark.parametrize(
    ("tokens", "context", "outcome"),
    [
        ([1, 2, 9], 100, "stop"),
        ([1, 2, 3, 4, 5], 100, "length"),  # max_tokens
        ([1, 2, 3], 13, "length"),  # the context
        ([1, 2, 3], None, "length"),  # a context that only vLLM knows
        ([1, 2, 3], 100, "it ended after 3 tokens, with neither"),
        ([], 100, "it ended after 0 tokens, with neither"),
        ([], None, "it ended after 0 tokens, with neither"),
    ],
)
def test_an_answer_that_nothing_known_has_ended_is_a_failure(
    tokens: list[int], context: int | None, outcome: str
) -> None:
    from racro_eval.engines.ray import RayEngine

    engine: Any = object.__new__(RayEngine)
    engine._entry = ModelEntry(name="m", model="m", max_model_len=context)
    engine._eos_ids = {9}
    engine._prompts = SimpleNamespace(render=str, text=lambda ids, prompt: str(ids))
    row = {"token_ids": tokens, "prompt_tokens": 10, "seconds": 1.0, "logprobs": []}
    done = engine._completion(ask("r", "Q", max_tokens=5), row)
    if outcome in ("stop", "length"):
        assert (done.finish_reasons, done.error) == ((outcome,), None)
    else:
        assert outcome in done.error
        assert done.texts == ()


def test_an_automatic_size_is_refused(tiny_vlm: Path) -> None:
    with pytest.raises(ConfigError, match="for a cluster give a number"):
        create_engine(ModelEntry(name="m", model=str(tiny_vlm), tp="auto"), "ray")


@pytest.mark.parametrize("form", ["{}", "ray://{}"])
def test_a_cluster_that_does_not_run_is_an_error_at_the_start(
    tiny_vlm: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("RAY_ADDRESS", form.format(f"127.0.0.1:{free.getsockname()[1]}"))
        with pytest.raises(EngineError, match=r"Nobody answers at the Ray cluster .* head node"):
            create_engine(ModelEntry(name="m", model=str(tiny_vlm)), "ray")
