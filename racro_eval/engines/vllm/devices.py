"""The devices of vLLM on this machine, and how a model is split over them.

Called in vLLM's own process.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from racro_eval.engines.vllm.model_size import model_size
from racro_eval.engines.vllm.parallelism import Gpus, check_tp, choose_sizes
from racro_eval.errors import ConfigError, MissingError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_DEFAULT_UTILIZATION = 0.9
"""Slightly less than vLLM's own default, so that a model that should fit does fit."""


def check_device(name: str) -> None:
    """Raise MissingError if vLLM finds no device."""
    from vllm.platforms import current_platform

    if current_platform.is_unspecified():
        raise MissingError(
            f"vLLM finds no GPU for {name}. `nvidia-smi` should list one; without a GPU use "
            "--engine transformers, or --engine openai for a server that has one."
        )


def parallel_sizes(entry: ModelEntry) -> tuple[int, int]:
    """Tensor and data parallel size of an entry.

    Raises ConfigError for a tensor parallel size that does not divide the model's heads, and
    MissingError if `tp: auto` finds no size that fits.
    """
    if entry.tp == 1:
        return 1, entry.dp
    if entry.tp != "auto":
        with contextlib.suppress(MissingError):  # without safetensors, vLLM checks it
            check_tp(entry.name, model_size(entry), entry.tp)
        return entry.tp, entry.dp
    size = model_size(entry)
    utilization = entry.options.get("gpu_memory_utilization", _DEFAULT_UTILIZATION)
    if not isinstance(utilization, int | float):
        raise ConfigError(
            f"gpu_memory_utilization of {entry.name} must be a number, not {utilization!r}."
        )
    return choose_sizes(entry.name, size, _gpus(), utilization, entry.dp)


def _gpus() -> Gpus:
    """The GPUs that vLLM would use, from the driver, so that none of their memory is taken."""
    import torch
    from vllm.platforms import current_platform

    if not current_platform.is_cuda_alike():
        return Gpus(0, 0)
    count = torch.cuda.device_count()
    return Gpus(count, min(map(current_platform.get_device_total_memory, range(count)), default=0))
