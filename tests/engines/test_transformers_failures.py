"""The transformers engine when generation itself fails: the rest of the batch is saved."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from racro_eval.engines import Engine, Message, Request, create_engine
from racro_eval.errors import EngineError
from tests.engines.prompts import ask, by_id, entry, texts

pytestmark = pytest.mark.model


def fail_when(monkeypatch: pytest.MonkeyPatch, condition: Any, error: Exception) -> list[int]:
    """Make `generate` raise when its input ids meet the condition; gives the batch sizes it saw."""
    generate = transformers.Qwen2ForCausalLM.generate
    sizes = []

    def faulty(self: Any, **inputs: Any) -> Any:
        sizes.append(len(inputs["input_ids"]))
        if condition(inputs["input_ids"]):
            raise error
        return generate(self, **inputs)

    monkeypatch.setattr(transformers.Qwen2ForCausalLM, "generate", faulty)
    return sizes


REQUESTS = [ask(str(n), "x " * (n + 1)) for n in range(6)]


def test_a_batch_too_large_for_the_memory_is_halved_until_it_fits(
    reasoner: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = texts(reasoner, REQUESTS)
    no_memory = torch.OutOfMemoryError("out of memory")
    sizes = fail_when(monkeypatch, lambda ids: len(ids) > 2, no_memory)
    assert texts(reasoner, REQUESTS) == expected
    assert sizes[0] == 6


def test_a_row_that_fails_alone_is_an_error_of_one_line(
    reasoner: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        longest: list[int] = []
        fail_when(patch, lambda ids: longest.append(ids.shape[1]), RuntimeError())
        texts(reasoner, REQUESTS)
    fail_when(monkeypatch, lambda ids: ids.shape[1] == max(longest), RuntimeError("bad\n  row"))
    done = by_id(reasoner, REQUESTS)
    assert [id for id, completion in done.items() if completion.error] == ["5"]
    assert done["5"].error == "RuntimeError: bad row"
    assert done["5"].texts == ()
    assert done["5"].latency_s > 0


def test_a_row_whose_scores_are_no_numbers_has_failed(
    reasoner: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = texts(reasoner, REQUESTS)
    forward = transformers.Qwen2ForCausalLM.forward

    def overflowing(self: Any, *inputs: Any, **named: Any) -> Any:
        output = forward(self, *inputs, **named)
        output.logits[0, :, 3] = torch.nan  # of the longest prompt, which comes first
        return output

    monkeypatch.setattr(transformers.Qwen2ForCausalLM, "forward", overflowing)
    done = by_id(reasoner, REQUESTS)
    assert [id for id, completion in done.items() if completion.error] == ["5"]
    assert "tiny-reasoner computed scores that are not numbers (NaN)" in (done["5"].error or "")
    assert {id: done[id].texts[0] for id in "01234"} == {id: expected[id] for id in "01234"}


def test_a_template_that_refuses_a_system_message_says_how_to_leave_it_out(
    tiny_reasoner: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "strict"
    shutil.copytree(tiny_reasoner, folder)
    (folder / "chat_template.jinja").write_text(
        "{% if messages[0]['role'] == 'system' %}"
        "{{ raise_exception('System role not supported') }}{% endif %}"
        "{{ messages[0]['content'] }}"
    )
    engine = create_engine(entry(folder), "transformers")
    system = Request("system", (Message("system", "S"), Message("user", "Q")))
    done = by_id(engine, [system, ask("plain", "Q")])
    engine.close()
    assert done["plain"].error is None
    assert done["system"].error == (
        f"The chat template of {folder} refuses the messages: System role not supported. "
        "`system_prompt: false` in its entry leaves the system message out."
    )


def test_a_lost_gpu_ends_the_run(reasoner: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = RuntimeError("CUDA error: an illegal memory access was encountered")
    fail_when(monkeypatch, lambda ids: True, lost)
    with pytest.raises(EngineError, match="The GPU failed under tiny-reasoner: RuntimeError: CUDA"):
        list(reasoner.stream(REQUESTS))
