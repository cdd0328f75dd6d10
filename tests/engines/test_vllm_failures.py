"""The vLLM engine when its process, or vLLM itself, gives something that is no answer."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from racro_eval.engines import Message, Request
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.engines.vllm.engine import VllmEngine
from racro_eval.engines.vllm.model import completion_fields
from racro_eval.errors import DataError, EngineError

CHILD = """#!{python}
import sys
from racro_eval.engines.vllm.frames import write_frame
out = open(int(sys.argv[4]), "wb")
ready = {{"window": 4, "versions": {{}}, "device": "cpu"}}
answer = {{"id": "r", "texts": ["x" * 100], "finish_reasons": ["stop"]}}
{what}
out.close()
open(int(sys.argv[3]), "rb").read()
"""
"""A process in the place of vLLM's, with the same arguments. It ends when the other side does."""


def child(monkeypatch: pytest.MonkeyPatch, folder: Path, what: str) -> None:
    """Let the engine start a process that does this."""
    script = folder / "child"
    script.write_text(CHILD.format(python=sys.executable, what=what))
    script.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(script))


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("", "ended: it was killed"),
        ("out.write(b'INFO: a line of a log, and then more of it')", "other than a message"),
        ("out.write(bytes([9, 0, 0, 0, 0, 0, 0, 0]) + b'half')", "ended: it was killed"),
        ("write_frame(out, answer)", "the first one has no versions"),
        ("write_frame(out, ready); out.write(b'a line of a log')", "other than a message"),
        ("write_frame(out, ready); out.write(bytes([200, 0, 0, 0, 0, 0, 0, 0]))", "ended: it"),
        ("write_frame(out, ready); write_frame(out, answer)", "invalid message"),
        ("write_frame(out, ready); write_frame(out, {'id': 7, 'texts': None})", "invalid message"),
    ],
)
def test_a_child_that_dies_or_writes_something_else_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str, says: str
) -> None:
    child(monkeypatch, tmp_path, what)
    with pytest.raises(EngineError, match=says):
        engine = VllmEngine(ModelEntry(name="m", model="m"))
        with contextlib.closing(engine):
            list(engine.stream([Request("r", (Message("user", "Q"),))]))


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        ([("abort", 2)], "its finish reason is 'abort'"),
        ([("error", 0)], "its finish reason is 'error'"),
        ([("repetition", 5)], "its finish reason is 'repetition'"),
        ([(None, 3)], "The answer has no finish reason"),
        ([], "without an answer"),
        (None, "without an answer"),
    ],
)
def test_an_output_of_vllm_without_an_answer_is_a_failure(
    outputs: list[tuple[str | None, int]] | None, says: str
) -> None:
    with pytest.raises(DataError, match=says):
        outcome(outputs)


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_an_output_of_vllm_with_an_answer(reason: str) -> None:
    assert outcome([(reason, 2)]) == {
        "texts": ["xx"],
        "finish_reasons": [reason],
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "token_logprobs": None,
    }


def outcome(outputs: list[tuple[str | None, int]] | None) -> dict[str, Any]:
    """What the worker makes of texts that ended for a reason after so many tokens."""
    final = None
    if outputs is not None:
        made = [SimpleNamespace(token_ids=range(n), finish_reason=reason) for reason, n in outputs]
        final = SimpleNamespace(outputs=made, prompt_token_ids=[1])
    return completion_fields(final, lambda ids: "x" * len(ids), logprobs=False)
