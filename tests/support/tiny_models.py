"""Tiny random models that real engines load: Qwen2.5-VL (images and text) and Qwen2 (text).

They answer nonsense, but through the real code: processor, chat template, prefill, cache, decoding.
The shapes obey the strictest loader, vLLM on CPU: attention heads of 32, `mrope_section` summing to
half a head, the vision tower's output as wide as the text, both pad tokens in the vocabulary.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

CONTROL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
THINK_TOKENS = ("<think>", "</think>")
MAX_POSITIONS = 4096
MIN_PIXELS = 28 * 28
MAX_PIXELS = 16 * 28 * 28

# Enough repetition of everyday mathematics for a few hundred merges.
CORPUS = (
    "The area of the triangle is half of the base times the height.",
    "In the figure, AB is parallel to CD and the angle at A is 60 degrees.",
    "The bar chart shows the number of students in each year from 2010 to 2020.",
    "Question: what is the value of x? Choices: (A) 12 (B) 15 (C) 18 (D) 24",
    "Therefore the answer is \\boxed{42}. The final answer is \\boxed{A}.",
    "Describe the image in detail. Think step by step and give the answer.",
    "You are a helpful assistant. system user assistant",
    "The circle has radius 5 and centre O, so its circumference is 10\\pi.",
)

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking %}<think>\n{% endif %}"
    "{% endif %}"
)


@functools.cache
def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of 448 tokens, trained here on a few sentences.

    The control tokens and the think tags are special tokens; `<|im_end|>` ends a turn.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=448,
        special_tokens=[*CONTROL_TOKENS, *THINK_TOKENS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=[*CONTROL_TOKENS, *THINK_TOKENS],
        chat_template=CHAT_TEMPLATE,
        model_max_length=MAX_POSITIONS,
    )


def build_tiny_reasoner(folder: Path, seed: int = 0) -> Path:
    """Write a random Qwen2 (text only, about 1 MB) into `folder`; give the folder back."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        **_text_shape(), rope_parameters={"rope_type": "default", "rope_theta": 10000.0}
    )
    _save(Qwen2ForCausalLM, config, folder, seed)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def build_tiny_vlm(folder: Path, seed: int = 0) -> Path:
    """Write a random Qwen2.5-VL (about 2 MB) into `folder`; give the folder back."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    ids = {name: tiny_tokenizer().convert_tokens_to_ids(f"<|{name}|>") for name in _VISION_NAMES}
    text = _text_shape()
    config = Qwen2_5_VLConfig(
        text_config=text
        | {
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [4, 6, 6],
            }
        },
        vision_config=_vision_shape(out_hidden_size=text["hidden_size"]),
        image_token_id=ids["image_pad"],
        video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"],
        vision_end_token_id=ids["vision_end"],
        tie_word_embeddings=False,
    )
    _save(Qwen2_5_VLForConditionalGeneration, config, folder, seed)
    tiny_tokenizer().save_pretrained(folder)
    _write_json(folder / "preprocessor_config.json", _image_processor())
    return folder


_VISION_NAMES = ("vision_start", "vision_end", "image_pad", "video_pad")


def _text_shape() -> dict[str, Any]:
    tokenizer = tiny_tokenizer()
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": MAX_POSITIONS,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        # wider than usual: with 0.02 every position would look alike and one token repeat for ever
        "initializer_range": 0.15,
        "tie_word_embeddings": False,
    }


def _vision_shape(out_hidden_size: int) -> dict[str, Any]:
    return {
        "depth": 2,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_heads": 2,
        "out_hidden_size": out_hidden_size,
        "fullatt_block_indexes": [1],
        "window_size": 112,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "initializer_range": 0.15,
    }


def _image_processor() -> dict[str, Any]:
    """As Qwen's own preprocessor_config.json, with a limit of 16 tokens an image."""
    return {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2_5_VLProcessor",
        "min_pixels": MIN_PIXELS,
        "max_pixels": MAX_PIXELS,
        "patch_size": 14,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }


def _save(model_class: Any, config: Any, folder: Path, seed: int) -> None:
    """Random weights of that seed, without touching the caller's random state."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = model_class(config)
    tokenizer = tiny_tokenizer()
    muted = [
        tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in ("im_start", *_VISION_NAMES)
    ]
    with torch.no_grad():  # placeholders in an answer would be of no use to any test
        model.lm_head.weight[muted] = 0.0
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")
