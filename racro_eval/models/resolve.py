"""From what a user types to a model's entry.

That is a name from the built-in list or from the sweep file, a hub id, a local folder, or
`engine:model[@base_url]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from racro_eval.engines.model_entry import ModelEntry, TensorParallel, named_folder
from racro_eval.engines.registry import ENGINES, default_engine
from racro_eval.errors import UnknownNameError
from racro_eval.settings import Strict, read_settings

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_PACKAGE_FOLDER = "racro_eval/"
"""The beginning of the path of a model that ships with racro-eval, in the built-in list."""


class _ModelFile(Strict):
    models: tuple[ModelEntry, ...]


def builtin_models() -> dict[str, ModelEntry]:
    """The built-in entries by name.

    Some models are folders in the package; their paths are those of the installed package.
    """
    file = read_settings(_ModelFile, resources.files("racro_eval.models") / "models.yaml")
    return {entry.name: _installed(entry) for entry in file.models}


@cache
def builtin_name(name: str) -> str:
    """The built-in name of a model that is called by the last part of its hub id, else `name`."""
    names = {entry.model.rpartition("/")[2]: entry.name for entry in builtin_models().values()}
    return names.get(name, name)


def _installed(entry: ModelEntry) -> ModelEntry:
    if not entry.model.startswith(_PACKAGE_FOLDER):
        return entry
    folder = _package_folder() / entry.model.removeprefix(_PACKAGE_FOLDER)
    return entry.model_copy(update={"model": str(folder)})


def ships_with_the_package(entry: ModelEntry) -> bool:
    """Whether the model is a folder in the package."""
    return Path(entry.model).is_relative_to(_package_folder())


def _package_folder() -> Path:
    return Path(__file__).parents[1]


def resolve_model(text: str, own: Iterable[ModelEntry] = ()) -> ModelEntry:
    """The entry that `text` means; entries in `own` (of a sweep file) win over built-in ones.

    Raises UnknownNameError with the nearest names, or MissingError for a missing folder.

    >>> from racro_eval import resolve_model
    >>> entry = resolve_model("openai:my-model@http://127.0.0.1:8000/v1")
    >>> entry.engine, entry.model, entry.base_url
    ('openai', 'my-model', 'http://127.0.0.1:8000/v1')
    """
    entries = {**builtin_models(), **{entry.name: entry for entry in own}}
    if text in entries:
        return entries[text]
    engine, _, rest = text.partition(":")
    if rest and engine in ENGINES:
        return _with_engine(engine, rest, entries)
    return _hub_or_local(text, entries)


def choose_engine(
    entry: ModelEntry,
    engine: str | None = None,
    tp: TensorParallel | None = None,
    dp: int | None = None,
) -> tuple[ModelEntry, str]:
    """The entry with these parallel sizes in place of its own, and the engine that runs it.

    engine: that of an entry that names none; without either it is the one for this machine.
    """
    entry = entry.model_copy(update={"tp": tp or entry.tp, "dp": dp or entry.dp})
    return entry, entry.engine or engine or default_engine()


def _with_engine(engine: str, rest: str, entries: Mapping[str, ModelEntry]) -> ModelEntry:
    """`engine:model[@base_url]`; a server may give its models any names."""
    model, _, base_url = rest.partition("@")
    update = {"engine": engine, "base_url": base_url or None}
    if model in entries:
        return entries[model].model_copy(update=update)
    if ENGINES[engine].loads_weights:
        return _hub_or_local(model, entries).model_copy(update=update)
    return ModelEntry(name=Path(model).name or model, model=model, **update)


def _hub_or_local(text: str, entries: Mapping[str, ModelEntry]) -> ModelEntry:
    if folder := named_folder(text):
        return ModelEntry(name=folder.resolve().name, model=text)
    if _HUB_ID.fullmatch(text):
        return ModelEntry(name=text.partition("/")[2], model=text)
    engine, colon, _ = text.partition(":")
    if colon:
        raise ENGINES.unknown(engine)
    raise UnknownNameError(
        "model",
        text,
        entries,
        "Use a name from `racro-eval list models`, a hub id, a folder, or engine:model.",
    )
