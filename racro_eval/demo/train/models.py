"""The three architectures, with random weights: one Qwen2.5-VL, two Qwen2.

The shapes fit the strictest loader, vLLM on a CPU: attention heads have 32 channels, the sections
of the rotary embedding add up to half a head, the vision tower's output is as wide as the text.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from racro_eval.demo.train.tokenizer import CONTEXT

HEAD = 32
_SPREAD = 0.04
"""Standard deviation of the initial weights: wider than usual, for narrow layers."""
MROPE_SECTION = (4, 6, 6)
"""How many of half a head's channels rotate by time, row and column."""


def build_captioner(tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """A Qwen2.5-VL of a million weights, half of them in the vision tower."""
    text = _text_shape(tokenizer, hidden=128, layers=3, inner=256)
    text["rope_parameters"] |= {"mrope_section": list(MROPE_SECTION)}
    names = ("image_pad", "video_pad", "vision_start", "vision_end")
    image, video, start, end = (tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in names)
    config = Qwen2_5_VLConfig(
        text_config=text,
        vision_config=_vision_shape(out=128),
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
        tie_word_embeddings=True,
    )
    return _build(Qwen2_5_VLForConditionalGeneration, config, seed)


def build_reasoner(tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """A Qwen2 of 600 000 weights."""
    shape = _text_shape(tokenizer, hidden=128, layers=3, inner=320)
    return _build(Qwen2ForCausalLM, Qwen2Config(**shape), seed)


def build_weak_reasoner(tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """A Qwen2 of 110 000 weights."""
    shape = _text_shape(tokenizer, hidden=64, layers=2, inner=128)
    return _build(Qwen2ForCausalLM, Qwen2Config(**shape), seed)


def _text_shape(
    tokenizer: PreTrainedTokenizerFast, hidden: int, layers: int, inner: int
) -> dict[str, Any]:
    rows = -(-len(tokenizer) // 16) * 16
    return {
        "vocab_size": rows,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": hidden // HEAD,
        "num_key_value_heads": hidden // HEAD,
        "max_position_embeddings": CONTEXT,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": _SPREAD,
        "tie_word_embeddings": True,
    }


def _vision_shape(out: int) -> dict[str, Any]:
    """All blocks attend to the whole picture, which is not larger than a window."""
    return {
        "depth": 2,
        "hidden_size": 96,
        "intermediate_size": 192,
        "num_heads": 3,
        "out_hidden_size": out,
        "fullatt_block_indexes": [0, 1],
        "window_size": 112,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "initializer_range": _SPREAD,
    }


def _build(model_class: Any, config: Any, seed: int) -> PreTrainedModel:
    """A model with random weights from the seed; the caller's random state stays the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: PreTrainedModel = model_class(config)
    model.generation_config.eos_token_id = model.config.get_text_config().eos_token_id
    model.generation_config.pad_token_id = model.config.get_text_config().pad_token_id
    return model.float().train()
