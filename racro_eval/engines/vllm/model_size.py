"""A model's size, from its config and the list of its weights, without loading the weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from racro_eval.engines.vllm.parallelism import ModelSize
from racro_eval.errors import MissingError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_INDEX = "model.safetensors.index.json"
_SINGLE = "model.safetensors"
_KV_BYTES = 2
"""Keys and values are stored in 16 bits, whatever the dtype of the weights."""


def model_size(entry: ModelEntry) -> ModelSize:
    """The size of an entry's model, from its folder or from small files of the hub.

    Raises MissingError if its config or its weights cannot be found or read.
    """
    folder = entry.local_folder or _small_files(entry)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return _size(_text_config(config), _weight_bytes(entry, folder), entry.max_model_len)
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise MissingError(
            f"The size of {entry.model} cannot be read from its config.json and its safetensors "
            f"({type(error).__name__}: {error}); give tp a number."
        ) from error


def _size(config: dict[str, Any], weight_bytes: int, max_model_len: int | None) -> ModelSize:
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    limits = [max_model_len, config.get("max_position_embeddings")]
    return ModelSize(
        weight_bytes=weight_bytes,
        heads=heads,
        kv_heads=kv_heads,
        kv_bytes_per_token=2 * config["num_hidden_layers"] * kv_heads * head_dim * _KV_BYTES,
        context=min((limit for limit in limits if limit), default=None),
    )


def _text_config(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of the language model, which vision-language models nest in their config."""
    inner: dict[str, Any] = config.get("text_config") or config
    return inner if "num_attention_heads" in inner else config


def _weight_bytes(entry: ModelEntry, folder: Path) -> int:
    index = folder / _INDEX
    if index.is_file():
        return int(json.loads(index.read_text(encoding="utf-8"))["metadata"]["total_size"])
    files = list(folder.glob("*.safetensors"))
    if files:
        return sum(path.stat().st_size for path in files)
    return _hub_file_size(entry)


def _small_files(entry: ModelEntry) -> Path:
    """The folder in the hub's cache with the model's config and index, downloaded if necessary."""
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(entry.model, revision=entry.revision, allow_patterns=["*.json"])
        )
    except Exception as error:  # the HTTP library behind the hub's client varies
        raise MissingError(
            f"The model {entry.model} is neither reachable on the hub nor in its local cache."
        ) from error


def _hub_file_size(entry: ModelEntry) -> int:
    """The size of weights in a single file on the hub."""
    from huggingface_hub import HfApi

    for file in HfApi().get_paths_info(entry.model, [_SINGLE], revision=entry.revision):
        return int(getattr(file, "size", 0))
    raise FileNotFoundError(_SINGLE)
