"""Special tokens that part thought and answer survive decoding; all others are dropped."""

from __future__ import annotations

from typing import Any

import pytest

from racro_eval.thought import Parts, split

pytestmark = pytest.mark.model

TURNS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
HARMONY = ["<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>", "<|return|>"]


def decoded(special: list[str], text: str, prompt: str = "") -> str:
    """The text as the decoder of a model with these special tokens gives it back."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    from racro_eval.engines.transformers.prompts import Prompts

    bytes_model = Tokenizer(models.BPE())
    bytes_model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_model.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    bytes_model.train_from_iterator([], trainer)
    tokenizer: Any = PreTrainedTokenizerFast(
        tokenizer_object=bytes_model,
        eos_token=special[0],
        additional_special_tokens=special,
        chat_template="{{ messages }}",
    )
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert set(special) & set(tokenizer.convert_ids_to_tokens(ids)), "it has special tokens"
    return Prompts(tokenizer, None, {}).text(ids, prompt)


@pytest.mark.parametrize(
    ("special", "text"),
    [
        (["[THINK]", "[/THINK]"], "[THINK]a[/THINK]b<|im_end|>"),
        (["◁think▷", "◁/think▷"], "◁think▷a◁/think▷b<|im_end|>"),
        (["<thought>", "</thought>"], "<thought>a</thought>b<|im_end|>"),
        (["<reasoning>", "</reasoning>"], "<reasoning>a</reasoning>b<|im_end|>"),
        (["<seed:think>", "</seed:think>"], "<seed:think>a</seed:think>b<|im_end|>"),
        (["<|channel>", "<channel|>"], "<|channel>thought a<channel|>b<|im_end|>"),
        (
            ["<|begin_of_thought|>", "<|end_of_thought|>"],
            "<|begin_of_thought|>a<|end_of_thought|>b<|im_end|>",
        ),
        (
            ["<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>"],
            "<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>b<|END_RESPONSE|><|im_end|>",
        ),
        (
            HARMONY,
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b"
            "<|return|>",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_thought_is_separated_from_the_answer_after_decoding(
    special: list[str], text: str
) -> None:
    parts = split(decoded([*TURNS, *special], text))
    assert (parts.thought.strip(), parts.answer) == ("a", "b")


def test_a_thought_in_a_channel_stays_open_after_decoding() -> None:
    said = decoded([*TURNS, *HARMONY], "<|channel|>analysis<|message|>a")
    assert split(said) == Parts("a", "", open=True)


def test_the_end_of_a_turn_is_dropped_where_it_parts_nothing() -> None:
    special = ["<|end|>", "<|user|>", "<|assistant|>"]
    assert decoded([*TURNS, *special], "<|assistant|>b<|end|>") == "b"


@pytest.mark.parametrize(
    ("prompt", "said", "decoded_as", "why"),
    [
        ("User: x\n<think>\n", "a \\boxed{1}", "<think>a \\boxed{1}", "it was cut in the thought"),
        ("User: x\n<think>\n", "a</think>b", "a</think>b", "the thought is closed"),
        ("User: x\n<think>\n\n</think>\n", "b", "b", "the template closed the thought, too"),
        ("User: <think> is a tag.", "b", "b", "the question names a tag"),
        ("User: x", "b", "b", "no thought"),
        ("User: x [THINK]", "a", "[THINK]a", "another dialect"),
    ],
)
def test_a_thought_that_the_prompt_opened_and_nothing_closes_is_open(
    prompt: str, said: str, decoded_as: str, why: str
) -> None:
    special = ["<think>", "</think>", "[THINK]", "[/THINK]"]
    assert decoded([*TURNS, *special], said + "<|im_end|>", prompt) == decoded_as, why
