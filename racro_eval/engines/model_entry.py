"""A model's entry: where its weights are and how to run them. What every engine is made from.

All settings of a model have one place, its entry.
"""

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
from racro_eval.settings import Strict

_LONGEST_FOLDER = 100
"""Bytes of a folder's name. File systems take 255, and some files have two such names in theirs."""


def folder_name(name: str) -> str:
    """A name as a folder name that every file system takes.

    Equal for spellings that look the same (composed or not). What is too long keeps its beginning
    and gets a hash of the whole.
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
"""GPUs that share one copy of a model; "auto": as few as hold it."""


class SamplingOverrides(Strict):
    """Sampling of one model where it differs from the stage's; see `base.Sampling`."""

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

    name: what tables call it. model: hub id or local folder. parameters: in billions, for figures.
    system_prompt: false drops the system message (some R1-style models want none).
    min_pixels, max_pixels: limits of an image's area; None leaves the model's own.
    options: settings that only one engine knows.
    identity: what the rows of this model are kept under, in place of what is found out of its
    weights or its server (`models.fingerprints`). Whoever gives one vouches for it: two models of
    the same identity and the same settings share their rows, wherever they are.

    Every field is part of the key of cached rows, unless `models.keys` names it as one that changes
    no text.

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
        """The name as a folder name."""
        return folder_name(self.name)

    @property
    def local_folder(self) -> Path | None:
        """The model's folder if it is one on this machine."""
        return existing_folder(self.model)


def existing_folder(text: str) -> Path | None:
    """The folder of this machine that a text names, whatever the text is; None if there is none."""
    path = os.path.expanduser(text)  # pathlib's raises for a user that is not there
    return Path(path) if os.path.isdir(path) else None
