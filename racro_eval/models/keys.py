"""The part of a model and its sampling in the key of cached rows.

The key contains everything that is not known to leave the text unchanged. So a new field, or an
unknown option, leads to a new key. The fields in `_ALWAYS` are always in the key; others only if
they differ from their defaults, so that a new field leaves old keys valid.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from racro_eval.engines.model_entry import ModelEntry
from racro_eval.engines.registry import ENGINES

if TYPE_CHECKING:
    from racro_eval.engines.base import Sampling

ENTRY_NO_TEXT = frozenset({"name", "parameters", "tp", "dp"})
"""Fields of a ModelEntry that do not change the text: for tables, and for the number of GPUs."""
ENTRY_ELSEWHERE = frozenset({"model", "engine", "identity", "base_url", "sampling", "options"})
"""Fields that are in the key in another form.

model: of a folder only its name, not its path. engine: the one that was chosen. identity, base_url:
in the fingerprint. sampling: together with the stage's, see `sampling_settings`. options: one by
one, see `EngineSpec.no_text`.
"""
SAMPLING_NO_TEXT = frozenset({"logprobs"})
"""Returning log-probabilities does not change the text (`engines.base.Sampling`)."""
_ALWAYS = frozenset({"dtype", "quantization", "max_model_len", "min_pixels", "max_pixels",
                     "system_prompt", "chat_template_kwargs", "temperature", "top_p", "top_k",
                     "repetition_penalty", "max_tokens"})  # fmt: skip
_MODEL_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "adapter_config.json")
"""A folder in an option is hashed only if it has one of these files; it might be a whole disk."""


def model_settings(entry: ModelEntry, engine: str, fingerprint: str) -> dict[str, Any]:
    """The settings of a model in the key. fingerprint: of its weights."""
    folder = entry.local_folder
    settings: dict[str, Any] = {
        "model": folder.resolve().name if folder else entry.model,
        "fingerprint": fingerprint,
        "engine": engine,
    }
    for name, field in ModelEntry.model_fields.items():
        if name in ENTRY_NO_TEXT | ENTRY_ELSEWHERE:
            continue
        value = getattr(entry, name)
        default = field.get_default(call_default_factory=True)
        if name in _ALWAYS or value != default:
            settings[name] = value
    if entry.identity or entry.revision == fingerprint:
        settings.pop("revision", None)  # the fingerprint identifies it
    if options := _options(entry, engine):
        settings["options"] = options
    return settings


def sampling_settings(sampling: Sampling, seed: int) -> dict[str, Any]:
    """The settings of a sampling in the key; the base seed only if the sampling is random.

    The seed of a row follows from the base seed and is a column of the row.
    """
    settings: dict[str, Any] = {}
    for field in fields(sampling):
        if field.name in SAMPLING_NO_TEXT | {"seed"}:
            continue
        value = getattr(sampling, field.name)
        if field.name in _ALWAYS or field.default is MISSING or value != field.default:
            settings[field.name] = value
    return settings | {"seed": seed if sampling.temperature > 0 else None}


def _options(entry: ModelEntry, engine: str) -> dict[str, Any]:
    """The entry's options that may change the text, with the hashes of the files that they name."""
    no_text = ENGINES[engine].no_text if engine in ENGINES else frozenset()
    options = {name: value for name, value in entry.options.items() if name not in no_text}
    if not options:
        return {}
    hashes = {path: _hash(path) for path in _paths(options)}
    hashes = {path: hash for path, hash in hashes.items() if hash}
    return {**options, "files": hashes} if hashes else options


def _paths(value: Any) -> Iterator[str]:
    """Texts in options that look like paths on this machine."""
    if isinstance(value, str) and value.startswith(("/", "./", "../", "~")):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _paths(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner)


def _hash(text: str) -> str | None:
    """The hash of a file or a model folder that an option names; None for any other text."""
    from racro_eval.models.weights import file_hash, folder_hash

    path = os.path.expanduser(text)
    if os.path.isfile(path):
        return f"sha256:{file_hash(Path(path))[:16]}"
    is_model = any(os.path.isfile(os.path.join(path, name)) for name in _MODEL_FILES)
    return f"sha256:{folder_hash(Path(path))}" if is_model else None
