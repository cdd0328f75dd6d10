"""Engines by name. A new engine is one module and one line in ENGINES.

Nothing of an engine is imported before it is asked for: torch, vllm or httpx2 need not be there.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from racro_eval.engines.base import Engine
from racro_eval.engines.vllm.options import CHANGE_NO_TEXT as VLLM_NO_TEXT
from racro_eval.errors import MissingError, UnknownNameError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Where an engine lives: `factory` in `module` makes one from a ModelEntry.

    extra: the extra of racro-eval that installs its packages; empty if the base install has them.
    needs: a package that the module does not import itself, but other processes will.
    weights: "loaded" by the engine from a folder or the hub, "served" by a server that the engine
    asks, or "none".
    no_text: options of an entry that are known to change no text. Every other one is part of the
    key of cached rows: an option that is forgotten here costs time, never a wrong row.
    """

    module: str
    factory: str
    extra: str = ""
    needs: str = ""
    weights: Literal["loaded", "served", "none"] = "none"
    no_text: frozenset[str] = frozenset()


ENGINES: dict[str, EngineSpec] = {
    "echo": EngineSpec(
        "racro_eval.engines.echo", "EchoEngine", no_text=frozenset({"latency_s", "window"})
    ),
    "openai": EngineSpec(
        "racro_eval.engines.openai.engine",
        "OpenAIEngine",
        extra="openai",
        weights="served",
        no_text=frozenset({"concurrency", "retries", "timeout_s", "wait_s"}),
    ),
    "ray": EngineSpec(
        "racro_eval.engines.ray",
        "RayEngine",
        extra="ray",
        needs="vllm",
        weights="loaded",
        no_text=VLLM_NO_TEXT,
    ),
    "transformers": EngineSpec(
        "racro_eval.engines.transformers.engine",
        "TransformersEngine",
        extra="cpu",
        weights="loaded",
        no_text=frozenset({"batch_size", "window"}),
    ),
    "vllm": EngineSpec(
        "racro_eval.engines.vllm.engine",
        "VllmEngine",
        extra="vllm",
        needs="vllm",
        weights="loaded",
        no_text=VLLM_NO_TEXT,
    ),
}


def loads_weights(engine: str) -> bool:
    """Whether an engine loads weights from a folder or the hub."""
    return ENGINES[engine].weights == "loaded"


def default_engine() -> str:
    """vLLM where it is installed and there is a GPU, else transformers. Imports neither."""
    has_gpu = shutil.which("nvidia-smi") is not None
    return "vllm" if has_gpu and importlib.util.find_spec("vllm") else "transformers"


def engine_names() -> list[str]:
    """The names that `create_engine` knows, sorted."""
    return sorted(ENGINES)


def create_engine(entry: ModelEntry, engine_name: str, max_images: int = 1) -> Engine:
    """Start the engine of that name for a model. This may load the model, which takes its time.

    max_images: the most images of one request, for engines that set memory aside for them.
    Raises UnknownNameError for a name that is not registered, MissingError if the engine's packages
    or the model's files are not there, ConfigError if the engine refuses a setting, and EngineError
    if the model cannot be started.

    >>> from racro_eval import create_engine, resolve_model
    >>> engine = create_engine(resolve_model("echo:m"), "echo")
    >>> engine.info.name
    'echo'
    >>> engine.close()
    """
    spec = ENGINES.get(engine_name)
    if spec is None:
        raise UnknownNameError(
            "engine", engine_name, ENGINES, hint=f"Known engines: {', '.join(engine_names())}."
        )
    return _factory(engine_name, spec)(entry, max_images=max_images)


def _factory(name: str, spec: EngineSpec) -> Callable[..., Engine]:
    if spec.needs and importlib.util.find_spec(spec.needs) is None:
        raise _missing(name, spec, spec.needs)
    try:
        module = importlib.import_module(spec.module)
    except ModuleNotFoundError as error:
        missing = error.name or str(error)
        if not spec.extra or missing.startswith("racro_eval"):
            raise
        raise _missing(name, spec, missing) from error
    factory: Callable[..., Engine] = getattr(module, spec.factory)
    return factory


def _missing(name: str, spec: EngineSpec, package: str) -> MissingError:
    return MissingError(
        f"The engine {name!r} needs the package {package!r}: pip install 'racro-eval[{spec.extra}]'"
    )
