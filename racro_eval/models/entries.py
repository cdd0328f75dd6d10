"""Models: from what a user types to an entry, which says where the weights are and how to run them.

A model is a name from the built-in list or the sweep file, a hub id, a local folder, or
`engine:model[@base_url]`. All settings of a model have one place, its entry.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue

from racro_eval.engines.registry import engine_names, loads_weights
from racro_eval.errors import MissingError, UnknownNameError
from racro_eval.settings import Strict, read_settings

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_PACKAGE_FOLDER = "racro_eval/"
"""How the list of built-in models begins the path of a model that ships with racro-eval."""


def folder_name(name: str) -> str:
    """A model's name as a folder name."""
    return re.sub(r"[^\w.+-]+", "-", name).strip(".-") or "model"


def _tensor_parallel(value: Any) -> Any:
    text = str(value)
    if text != "auto" and not (text.isdecimal() and int(text) >= 1):
        raise ValueError(f"a whole number of at least 1, or auto, not {value!r}")
    return value


TensorParallel = Annotated[int | Literal["auto"], BeforeValidator(_tensor_parallel)]
"""GPUs that share one copy of a model; "auto": as few as hold it."""


class SamplingOverrides(Strict):
    """Sampling of one model where it differs from the stage's; see `engines.base.Sampling`."""

    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=0)
    repetition_penalty: float | None = Field(None, gt=0)
    max_tokens: int | None = Field(None, gt=0)


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
        return _folder(self.model)


class _ModelFile(Strict):
    models: tuple[ModelEntry, ...]


def builtin_models() -> dict[str, ModelEntry]:
    """The built-in entries by name.

    The model of some is a folder inside the package; it is given by where the package is installed.
    """
    file = read_settings(_ModelFile, resources.files("racro_eval.models") / "models.yaml")
    return {entry.name: _installed(entry) for entry in file.models}


def _installed(entry: ModelEntry) -> ModelEntry:
    if not entry.model.startswith(_PACKAGE_FOLDER):
        return entry
    folder = _package_folder() / entry.model.removeprefix(_PACKAGE_FOLDER)
    return entry.model_copy(update={"model": str(folder)})


def ships_with_the_package(entry: ModelEntry) -> bool:
    """Whether the model is a folder inside the package."""
    return Path(entry.model).is_relative_to(_package_folder())


def _package_folder() -> Path:
    return Path(__file__).parents[1]


def resolve_model(text: str, own: Iterable[ModelEntry] = ()) -> ModelEntry:
    """The entry that `text` means; entries in `own` (a sweep file's) win over built-in ones.

    Raises UnknownNameError with the nearest names, or MissingError for a folder that is not there.
    """
    entries = {**builtin_models(), **{entry.name: entry for entry in own}}
    if text in entries:
        return entries[text]
    engine, _, rest = text.partition(":")
    if rest and engine in engine_names():
        return _with_engine(engine, rest, entries)
    return _located(text, entries)


def _with_engine(engine: str, rest: str, entries: Mapping[str, ModelEntry]) -> ModelEntry:
    """`engine:model[@base_url]`; what a model may be called is the engine's affair."""
    model, _, base_url = rest.partition("@")
    update = {"engine": engine, "base_url": base_url or None}
    if model in entries:
        return entries[model].model_copy(update=update)
    if loads_weights(engine):
        return _located(model, entries).model_copy(update=update)
    return ModelEntry(name=Path(model).name or model, model=model, **update)


def _folder(text: str) -> Path | None:
    """The folder of this machine that a text names, whatever the text is; None if there is none."""
    path = os.path.expanduser(text)  # pathlib's raises for a user that is not there
    return Path(path) if os.path.isdir(path) else None


def _located(text: str, entries: Mapping[str, ModelEntry]) -> ModelEntry:
    if path := _folder(text):
        return ModelEntry(name=path.resolve().name, model=text)
    if text.startswith((".", "/", "~")):
        raise MissingError(f"There is no model folder {text}.")
    if _HUB_ID.fullmatch(text):
        return ModelEntry(name=text.partition("/")[2], model=text)
    raise UnknownNameError(
        "model",
        text,
        entries,
        "Give a name of `racro-eval list models`, a hub id, a folder, or engine:model.",
    )
