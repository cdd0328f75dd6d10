"""Models: from what a user types to where the weights are and how to run them.

A model is a name from the built-in list or the sweep file, a hub id, a local folder, or
`engine:model[@base_url]`. All settings of a model have one place, its entry.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from racro_eval.engines.registry import engine_names
from racro_eval.errors import MissingError, UnknownNameError
from racro_eval.settings import Strict, read_settings

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_WEIGHTS = ("*.safetensors", "*.bin", "*.gguf", "*.pt")
_LOADING_ENGINES = ("ray", "transformers", "vllm")
"""Engines that load weights from a folder or the hub, rather than ask for a model by name."""
_PACKAGE_FOLDER = "racro_eval/"
"""How the list of built-in models begins the path of a model that ships with racro-eval."""
_LONGEST_FOLDER = 100
"""Bytes of a folder's name. File systems take 255, and some files have two such names in theirs."""
_SMALL = ("*.json", "*.jinja", "*.txt", "*.model")


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
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    sampling: SamplingOverrides = SamplingOverrides()
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The name as a folder name."""
        return folder_name(self.name)

    @property
    def local_folder(self) -> Path | None:
        """The model's folder if it is one on this machine."""
        path = Path(self.model).expanduser()
        return path if path.is_dir() else None


class _ModelFile(Strict):
    models: tuple[ModelEntry, ...]


def builtin_models() -> dict[str, ModelEntry]:
    """The built-in entries by name.

    The model of some is a folder inside the package; it is given by where the package is installed.
    """
    file = read_settings(_ModelFile, resources.files("racro_eval") / "models.yaml")
    return {entry.name: _installed(entry) for entry in file.models}


def _installed(entry: ModelEntry) -> ModelEntry:
    if not entry.model.startswith(_PACKAGE_FOLDER):
        return entry
    folder = Path(__file__).parent / entry.model.removeprefix(_PACKAGE_FOLDER)
    return entry.model_copy(update={"model": str(folder)})


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
    if engine in _LOADING_ENGINES:
        return _located(model, entries).model_copy(update=update)
    return ModelEntry(name=Path(model).name or model, model=model, **update)


def _located(text: str, entries: Mapping[str, ModelEntry]) -> ModelEntry:
    path = Path(text).expanduser()
    if path.is_dir():
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


def fingerprint(entry: ModelEntry, engine: str, *, offline: bool) -> str:
    """What identifies the weights: the hub's commit, or a hash of the local folder.

    An engine that loads no weights itself knows a model by its name alone.
    """
    if engine not in _LOADING_ENGINES:
        return "name only"
    folder = entry.local_folder
    if folder is not None:
        return f"sha256:{_folder_hash(folder)}"
    return _hub_revision(entry, offline=offline)


def _folder_hash(folder: Path) -> str:
    """Hash of a model folder: small files whole, weight files by size and a sample of their bytes.

    The names and sizes in a weight index are the same for every fine-tune of a model, so they
    cannot tell a retrained checkpoint in the same folder from the old one; sampled bytes can, at
    a cost that does not grow with the model.
    """
    state = hashlib.sha256()
    small = {path for pattern in _SMALL for path in folder.glob(pattern)}
    for path in sorted(small):
        state.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    weights = {path for pattern in _WEIGHTS for path in folder.glob(pattern)}
    for path in sorted(weights):
        state.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        state.update(_sampled_bytes(path))
    return state.hexdigest()[:16]


def _sampled_bytes(path: Path, pieces: int = 64, length: int = 1 << 14) -> bytes:
    """`pieces` evenly spaced stretches of a file, its start and end among them."""
    size = path.stat().st_size
    if size <= pieces * length:
        return path.read_bytes()
    with path.open("rb") as file:
        taken = bytearray()
        for piece in range(pieces):
            file.seek((size - length) * piece // (pieces - 1))
            taken += file.read(length)
        return bytes(taken)


def _hub_revision(entry: ModelEntry, *, offline: bool) -> str:
    """The commit that the hub, or else its local cache, gives for the model's revision."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    reason: Exception | None = None
    if not offline:
        try:
            info = HfApi().model_info(entry.model, revision=entry.revision, timeout=10)
            return info.sha or "unknown"
        except Exception as error:  # of whichever HTTP library the hub's client has this year
            reason = error  # the hub is away: the cache says which commit will be loaded
    cached = try_to_load_from_cache(entry.model, "config.json", revision=entry.revision)
    if isinstance(cached, str):
        return Path(cached).parent.name
    raise MissingError(
        f"The model {entry.model} is neither reachable on the hub nor in its local cache. "
        "Give a local folder, or another engine."
    ) from reason
