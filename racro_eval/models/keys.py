"""What of a model and its sampling is in the key of cached rows.

The rule: everything is, but what is known to change no text. So a field that is added, or an option
that nobody has heard of, makes a key of its own. The first keys held the fields in `_FIRST` always;
others enter where they differ from their defaults, so that old keys stay valid.
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
"""Fields of a ModelEntry that change no text: what tables say, and over how many GPUs it runs."""
ENTRY_ELSEWHERE = frozenset({"model", "engine", "identity", "base_url", "sampling", "options"})
"""Fields that are in the key by another name.

model: a folder is known by its name without the way there. engine: the one that was chosen.
identity, base_url: in the fingerprint. sampling: with the stage's own, see `sampling_settings`.
options: each by itself, see `EngineSpec.no_text`.
"""
SAMPLING_NO_TEXT = frozenset({"logprobs"})
"""Asking for log-probabilities changes no text (`engines.base.Sampling`)."""
_FIRST = frozenset({"dtype", "quantization", "max_model_len", "min_pixels", "max_pixels",
                    "system_prompt", "chat_template_kwargs", "temperature", "top_p", "top_k",
                    "repetition_penalty", "max_tokens"})  # fmt: skip

_OF_A_MODEL = ("config.json", "tokenizer.json", "tokenizer_config.json", "adapter_config.json")
"""What makes a folder that an option names one of a model; any other may hold a whole disk."""


def model_settings(entry: ModelEntry, engine: str, fingerprint: str) -> dict[str, Any]:
    """A model as key material. fingerprint: what identifies its weights."""
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
        if name in _FIRST or value != default:
            settings[name] = value
    if entry.identity or entry.revision == fingerprint:
        settings.pop("revision", None)  # the fingerprint stands for it
    if options := _options(entry, engine):
        settings["options"] = options
    return settings


def sampling_settings(sampling: Sampling, seed: int) -> dict[str, Any]:
    """Sampling as key material; the base seed counts only where something is drawn.

    A row's own seed follows from the base seed and is a column of its row.
    """
    settings: dict[str, Any] = {}
    for field in fields(sampling):
        if field.name in SAMPLING_NO_TEXT | {"seed"}:
            continue
        value = getattr(sampling, field.name)
        if field.name in _FIRST or field.default is MISSING or value != field.default:
            settings[field.name] = value
    return settings | {"seed": seed if sampling.temperature > 0 else None}


def _options(entry: ModelEntry, engine: str) -> dict[str, Any]:
    """The entry's options that may change the text; files that they name are known by content."""
    no_text = ENGINES[engine].no_text if engine in ENGINES else frozenset()
    options = {name: value for name, value in entry.options.items() if name not in no_text}
    if not options:
        return {}
    contents = {text: _content(text) for text in _paths(options)}
    known = {text: content for text, content in contents.items() if content}
    return {**options, "files": known} if known else options


def _paths(value: Any) -> Iterator[str]:
    """Texts in options that are written as paths of this machine."""
    if isinstance(value, str) and value.startswith(("/", "./", "../", "~")):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _paths(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner)


def _content(text: str) -> str | None:
    """The hash of a file or a model folder that an option names; None if there is none."""
    from racro_eval.models.weights import file_hash, folder_hash

    path = os.path.expanduser(text)
    if os.path.isfile(path):
        return f"sha256:{file_hash(Path(path))[:16]}"
    is_model = any(os.path.isfile(os.path.join(path, name)) for name in _OF_A_MODEL)
    return f"sha256:{folder_hash(Path(path))}" if is_model else None
