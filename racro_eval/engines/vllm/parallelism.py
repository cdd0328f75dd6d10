"""How many GPUs a replica of a model needs: `tp: auto`. Pure arithmetic, without any GPU."""

from __future__ import annotations

from dataclasses import dataclass

from racro_eval.errors import ConfigError, MissingError

_GIB = 1 << 30
_SEQUENCES, _TOKENS = 8, 8192
"""A replica must have memory for the keys and values of this many sequences of this many tokens
(the default limit of an answer). With less, another GPU per replica is faster than a small batch.
"""
_WORK_BYTES = 2 * _GIB
"""Per GPU, for activations, CUDA graphs and communication."""


@dataclass(frozen=True, slots=True)
class ModelSize:
    """The properties of a model that decide how many GPUs it needs.

    weight_bytes: all weights as they are stored. heads, kv_heads: the number of attention heads,
    and of those for keys and values. kv_bytes_per_token: keys and values of all layers. context:
    the maximum number of tokens of a sequence, None if unknown.
    """

    weight_bytes: int
    heads: int
    kv_heads: int
    kv_bytes_per_token: int
    context: int | None = None


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs of this machine: their number, and the memory of the smallest one in bytes."""

    count: int
    memory: int


def divides(size: ModelSize, tp: int) -> bool:
    """Whether tp GPUs can share the attention heads evenly."""
    shared_keys = size.kv_heads % tp == 0 or tp % size.kv_heads == 0
    return size.heads % tp == 0 and shared_keys


def check_tp(name: str, size: ModelSize, tp: int) -> None:
    """Raise ConfigError if tp GPUs cannot share the model's attention heads evenly."""
    if not divides(size, tp):
        fitting = [str(n) for n in range(1, size.heads + 1) if divides(size, n)]
        raise ConfigError(
            f"{name} has {size.heads} attention heads, which {tp} GPUs cannot share; tp can be "
            f"{', '.join(fitting)}."
        )


def bytes_per_gpu(size: ModelSize, tp: int) -> int:
    """The memory that each of tp GPUs needs for weights, keys and values, and activations."""
    tokens = _SEQUENCES * min(_TOKENS, size.context or _TOKENS)
    # With fewer heads for keys and values than GPUs, these are copied, not shared.
    kv = size.kv_bytes_per_token * tokens // min(tp, size.kv_heads)
    return size.weight_bytes // tp + kv + _WORK_BYTES


def choose_sizes(
    name: str, size: ModelSize, gpus: Gpus, utilization: float, replicas: int = 1
) -> tuple[int, int]:
    """Tensor and data parallel size: as few GPUs per replica as possible, as many replicas as fit.

    utilization: the share of a GPU's memory that may be used. replicas: the data parallel size if
    it is more than 1. Raises MissingError if there is no GPU, or if no number of them holds the
    model.
    """
    if gpus.count < 1:
        raise MissingError(f"tp: auto needs a GPU for {name}, and there is none; give tp a number.")
    usable = int(gpus.memory * utilization)
    for tp in range(1, gpus.count // replicas + 1):
        if divides(size, tp) and bytes_per_gpu(size, tp) <= usable:
            return tp, replicas if replicas > 1 else gpus.count // tp
    wanted = "a replica" if replicas == 1 else f"{replicas} replicas"
    raise MissingError(
        f"{name} does not fit: its weights take {size.weight_bytes / _GIB:.1f} GiB, and "
        f"{gpus.count} GPUs of {gpus.memory / _GIB:.0f} GiB cannot hold {wanted} of it and its "
        "activations. Use more or larger GPUs, or a quantised checkpoint."
    )
