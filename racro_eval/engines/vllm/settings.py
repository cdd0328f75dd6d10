"""The settings of a model and of a request as vLLM's arguments. Does not import vLLM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from racro_eval.data.images import Image, digest
from racro_eval.engines.base import Sampling

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry


def engine_settings(entry: ModelEntry, max_images: int, *, on_cpu: bool) -> dict[str, Any]:
    """Arguments of vLLM's engine, without the parallel sizes and the entry's options.

    max_images: the largest number of images in a request; 0 for a model that takes text only.
    """
    settings: dict[str, Any] = {
        "model": str(entry.local_folder or entry.model),
        "revision": entry.revision,
        "tokenizer_revision": entry.revision,
        "dtype": "float32" if on_cpu and entry.dtype == "auto" else entry.dtype,
        "quantization": entry.quantization,
        "max_model_len": entry.max_model_len,
        "enforce_eager": on_cpu,  # compilation is worth its time on a GPU only
        # On a CPU, vLLM 0.32 crashes if the prompt of a request with a seed is read in chunks.
        "enable_chunked_prefill": False if on_cpu else None,
        "disable_log_stats": True,
        "enable_log_requests": False,
        "trust_remote_code": False,
    }
    if max_images:
        settings["limit_mm_per_prompt"] = {"image": max_images, "video": 0}
        limits = {"min_pixels": entry.min_pixels, "max_pixels": entry.max_pixels}
        limits = {name: value for name, value in limits.items() if value is not None}
        settings["mm_processor_kwargs"] = limits or None
    return settings


def sampling_settings(sampling: Sampling) -> dict[str, Any]:
    """Arguments of vLLM's SamplingParams; the text is decoded from the token ids by us."""
    return {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "repetition_penalty": sampling.repetition_penalty,
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed,
        "logprobs": 0 if sampling.logprobs else None,  # of the sampled token, and of 0 others
        "detokenize": False,
    }


def image_ids(entry: ModelEntry, images: Sequence[Image]) -> list[str]:
    """Ids by which vLLM recognises an image that it has encoded for an earlier request."""
    return [f"{digest(image)}-{entry.min_pixels}-{entry.max_pixels}" for image in images]
