"""A model's entry: where its weights are, and all settings with which an engine runs them."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue

from racro_eval.engines.base import Sampling
from racro_eval.errors import MissingError
from racro_eval.settings import Strict

_LONGEST_FOLDER = 100
"""Bytes of a folder's name. File systems allow 255, and some file names contain two of them."""


def folder_name(name: str) -> str:
    """A name as a folder name that is valid on every file system.

    Composed and decomposed spellings of a name have the same folder name. A name that is too long
    keeps its beginning, followed by a hash of the whole.
    """
    text = unicodedata.normalize("NFC", name)
    folder = re.sub(r"[^\w.+-]+", "-", text).strip(".-") or "model"
    if len(folder.encode()) <= _LONGEST_FOLDER:
        return folder
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
    start = folder.encode()[: _LONGEST_FOLDER - 9].decode("utf-8", "ignore")
    return f"{start.rstrip('.-')}-{digest}"


def _tensor_parallel(value: Any) -> Any:
    text = str(value)
    if text != "auto" and not (text.isdecimal() and int(text) >= 1):
        raise ValueError(f"a whole number of at least 1, or auto, not {value!r}")
    return value


TensorParallel = Annotated[int | Literal["auto"], BeforeValidator(_tensor_parallel)]
"""How many GPUs share a replica of a model; "auto": as few as can hold it."""


class SamplingOverrides(Strict):
    """The sampling of one model where it differs from that of the stage; see `base.Sampling`."""

    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=0)
    repetition_penalty: float | None = Field(None, gt=0)
    max_tokens: int | None = Field(None, gt=0)

    def over(self, default: Sampling) -> Sampling:
        """The default sampling with these overrides."""
        return replace(default, **self.model_dump(exclude_none=True))


class ModelEntry(Strict):
    """A model and its settings.

    name: the name in tables and folders. model: hub id or local folder. parameters: in billions,
    for figures. base_url: of the server, for the engine `openai`. tp, dp: tensor and data parallel
    size. system_prompt: false drops the system message (some R1-style models want none).
    min_pixels, max_pixels: limits of an image's area; None leaves the model's own. options:
    settings that only one engine knows.
    identity: replaces the fingerprint of the weights (`models.fingerprint`) as what the model's
    rows are cached under. Two models with the same identity and the same settings share their rows,
    wherever they are; that this is right is up to the user.

    Every field is part of the key of cached rows, unless `models.keys` lists it as one that does
    not change any text.

    >>> from racro_eval import ModelEntry
    >>> entry = ModelEntry(name="big", model="Qwen/Qwen3-32B", tp=4, sampling={"temperature": 0.6})
    >>> entry.sampling.temperature, entry.engine
    (0.6, None)
    """

    name: str
    model: str
    revision: str | None = None
    parameters: float | None = None
    engine: str | None = None
    base_url: str | None = None
    tp: TensorParallel = 1
    dp: int = Field(1, ge=1)
    max_model_len: int | None = Field(None, gt=0)
    dtype: str = "auto"
    quantization: str | None = None
    min_pixels: int | None = Field(None, gt=0)
    max_pixels: int | None = Field(None, gt=0)
    system_prompt: bool = True
    chat_template_kwargs: dict[str, JsonValue] = Field(default_factory=dict)
    sampling: SamplingOverrides = SamplingOverrides()
    options: dict[str, JsonValue] = Field(default_factory=dict)
    identity: str | None = Field(None, min_length=1)

    @property
    def folder(self) -> str:
        """The name as a folder name (see `folder_name`)."""
        return folder_name(self.name)

    @property
    def local_folder(self) -> Path | None:
        """The model's folder, if `model` names one on this machine."""
        return existing_folder(self.model)


def existing_folder(text: str) -> Path | None:
    """The folder on this machine that a text names, or None."""
    path = os.path.expanduser(text)  # Path.expanduser raises for an unknown user
    return Path(path) if os.path.isdir(path) else None


def named_folder(model: str) -> Path | None:
    """The folder that `model` names; None if it is a hub id or a name.

    Raises MissingError if it is a path without a folder.
    """
    folder = existing_folder(model)
    if folder is None and model.startswith((".", "/", "~")):
        raise MissingError(f"There is no model folder {model}.")
    return folder


def model_folder(model: str) -> Path | None:
    """The folder that `model` names; None if it is a hub id.

    Raises MissingError if it is a path without a folder, or a folder without a model.
    """
    folder = named_folder(model)
    if folder is not None and not (folder / "config.json").is_file():
        raise MissingError(f"The folder {folder} is not a model: it has no config.json.")
    return folder
