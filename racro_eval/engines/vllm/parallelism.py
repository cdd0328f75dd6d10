"""How many GPUs a copy of a model takes: `tp: auto`. Pure arithmetic; nothing here asks a GPU."""

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
    """What of a model decides how many GPUs it takes.

    weight_bytes: all weights as they are stored. heads, kv_heads: attention heads, and those of
    keys and values. kv_bytes_per_token: keys and values of all layers. context: most tokens of a
    sequence, None if unknown.
    """

    weight_bytes: int
    heads: int
    kv_heads: int
    kv_bytes_per_token: int
    context: int | None = None


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs of this machine: how many, and the memory of the smallest in bytes."""

    count: int
    memory: int


def divides(size: ModelSize, tp: int) -> bool:
    """Whether tp GPUs can share the attention heads: each takes as many as every other."""
    shared_keys = size.kv_heads % tp == 0 or tp % size.kv_heads == 0
    return size.heads % tp == 0 and shared_keys


def check_tp(name: str, size: ModelSize, tp: int) -> None:
    """Raise ConfigError if the model's heads cannot be shared by tp GPUs."""
    if not divides(size, tp):
        fitting = [str(n) for n in range(1, size.heads + 1) if divides(size, n)]
        raise ConfigError(
            f"{name} has {size.heads} attention heads, which {tp} GPUs cannot share; tp can be "
            f"{', '.join(fitting)}."
        )


def bytes_per_gpu(size: ModelSize, tp: int) -> int:
    """Memory that each of tp GPUs needs for weights, keys and values, and work."""
    tokens = _SEQUENCES * min(_TOKENS, size.context or _TOKENS)
    # Keys and values are copied, not shared, where there are fewer of their heads than GPUs.
    kv = size.kv_bytes_per_token * tokens // min(tp, size.kv_heads)
    return size.weight_bytes // tp + kv + _WORK_BYTES


def choose(
    name: str, size: ModelSize, gpus: Gpus, utilization: float, copies: int = 1
) -> tuple[int, int]:
    """Tensor and data parallel size: the fewest GPUs that hold the model; the others hold copies.

    utilization: the share of a GPU's memory that may be used. copies: the least data parallel size;
    more than 1 is taken as it is. Raises MissingError if there is no GPU or the model fits no
    number of them.
    """
    if gpus.count < 1:
        raise MissingError(f"tp: auto needs a GPU for {name}, and there is none; give tp a number.")
    usable = int(gpus.memory * utilization)
    most = gpus.count // copies
    for tp in range(1, most + 1):
        if divides(size, tp) and bytes_per_gpu(size, tp) <= usable:
            return tp, copies if copies > 1 else gpus.count // tp
    number = "copy" if copies == 1 else f"{copies} copies"
    raise MissingError(
        f"{name} does not fit: its weights take {size.weight_bytes / _GIB:.1f} GiB, and "
        f"{gpus.count} GPUs of {gpus.memory / _GIB:.0f} GiB hold no {number} of it with room to "
        "work. Take more or larger GPUs, or a quantised checkpoint."
    )
