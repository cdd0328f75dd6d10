"""The words for the end of a text, of all servers that we know and of vLLM."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from racro_eval.engines.finish_reasons import finish_reason
from racro_eval.errors import DataError

COMPLETE = ["stop", "STOP", "eos", "eos_token", "end_turn", "stop_sequence", "COMPLETE", " Stop "]
CUT = [
    "length",
    "LENGTH",
    "max_tokens",
    "MAX_TOKENS",
    "max-tokens",
    "model_length",
    "max_output_tokens",
    "max_new_tokens",
    "max_length",
    "model_context_window_exceeded",
    "limit",
]
FAILED = [
    "content_filter",
    "tool_calls",
    "tool_use",
    "function_call",
    "error",
    "ERROR_TOXIC",
    "abort",
    "repetition",
    "SAFETY",
    "RECITATION",
    "refusal",
    "pause_turn",
    "insufficient_system_resource",
    "stopped by weather",
    "stop length",
]


@pytest.mark.parametrize("said", COMPLETE)
def test_a_complete_text(said: str) -> None:
    assert finish_reason(said) == "stop"


@pytest.mark.parametrize("said", CUT)
def test_a_cut_text(said: str) -> None:
    assert finish_reason(said) == "length"


@pytest.mark.parametrize("said", FAILED)
def test_every_other_reason_is_a_failure_that_names_it(said: str) -> None:
    with pytest.raises(DataError, match=f"its finish reason is '{said}'"):
        finish_reason(said)


@pytest.mark.parametrize("said", [None, ""])
def test_a_missing_reason_is_a_failure(said: object) -> None:
    with pytest.raises(DataError, match="The answer has no finish reason"):
        finish_reason(said)


@pytest.mark.parametrize("said", [0, 1, True, 2.5, ["stop"], {"type": "stop"}, b"stop"])
def test_a_reason_of_another_type_is_a_failure(said: object) -> None:
    with pytest.raises(DataError, match="its finish reason is"):
        finish_reason(said)


def test_vllm_has_no_other_finish_reasons() -> None:
    found = importlib.util.find_spec("vllm")
    if found is None or not found.submodule_search_locations:
        pytest.skip("vllm is not installed")
    # read from the source: importing it takes longer than all other tests of this file
    path = Path(found.submodule_search_locations[0]) / "v1" / "engine" / "__init__.py"
    words = 'FINISH_REASON_STRINGS = ("stop", "length", "abort", "error", "repetition")'
    assert words in path.read_text().splitlines()
