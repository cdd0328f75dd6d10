"""What vLLM runs on here, and how a model is shared out over it. Called in vLLM's own process."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from racro_eval.engines.vllm.model_size import model_size
from racro_eval.engines.vllm.parallelism import Gpus, check_tp, choose
from racro_eval.errors import ConfigError, MissingError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_USUAL_UTILIZATION = 0.9
"""Somewhat less than vLLM's own default, so that a model chosen to fit does fit."""


def check_device(name: str) -> None:
    """Raise MissingError if vLLM finds nothing to run on."""
    from vllm.platforms import current_platform

    if current_platform.is_unspecified():
        raise MissingError(
            f"vLLM finds no GPU for {name}. `nvidia-smi` should list one; without one take "
            "--engine transformers, or --engine openai for a server that has one."
        )


def parallel_sizes(entry: ModelEntry) -> tuple[int, int]:
    """Tensor and data parallel size; a given one that the model cannot have is refused."""
    if entry.tp == 1:
        return 1, entry.dp
    if entry.tp != "auto":
        with contextlib.suppress(MissingError):  # a model without safetensors is for vLLM to judge
            check_tp(entry.name, model_size(entry), entry.tp)
        return entry.tp, entry.dp
    size = model_size(entry)
    utilization = entry.options.get("gpu_memory_utilization", _USUAL_UTILIZATION)
    if not isinstance(utilization, int | float):
        raise ConfigError(f"gpu_memory_utilization of {entry.name} is no number: {utilization!r}.")
    return choose(entry.name, size, _gpus(), utilization, entry.dp)


def _gpus() -> Gpus:
    """The GPUs that vLLM would use; asked of the driver, so that no memory of them is taken."""
    import torch
    from vllm.platforms import current_platform

    if not current_platform.is_cuda_alike():
        return Gpus(0, 0)
    count = torch.cuda.device_count()
    return Gpus(count, min(map(current_platform.get_device_total_memory, range(count)), default=0))
