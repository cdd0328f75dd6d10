"""Engines by name. A new one is a module and an entry here, or an entry point of another package.

Nothing of an engine is imported before it is used: torch, vllm or httpx2 need not be there.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from racro_eval.common.registry import Registry, load_object
from racro_eval.engines.base import Engine
from racro_eval.engines.vllm.options import CHANGE_NO_TEXT as VLLM_NO_TEXT
from racro_eval.errors import MissingError, RacroError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """What is known of an engine before anything of it is imported.

    factory: "module:class", which makes the engine from a ModelEntry.
    install: what pip has to install for it, e.g. "racro-eval[vllm]"; empty if nothing is missing.
    needs: a package that the module does not import itself, but other processes will.
    weights: "loaded" by the engine from a folder or the hub, "served" by a server that the engine
    asks, or "none".
    no_text: options of an entry that are known to change no text. Every other one is part of the
    key of cached rows: an option that is forgotten here costs time, never a wrong row.
    """

    factory: str
    install: str = ""
    needs: str = ""
    weights: Literal["loaded", "served", "none"] = "none"
    no_text: frozenset[str] = frozenset()

    @property
    def loads_weights(self) -> bool:
        """Whether the engine loads weights from a folder or the hub."""
        return self.weights == "loaded"


ENGINES: Registry[EngineSpec] = Registry(
    "engines",
    "engine",
    EngineSpec,
    {
        "echo": EngineSpec(
            "racro_eval.engines.echo:EchoEngine", no_text=frozenset({"latency_s", "window"})
        ),
        "openai": EngineSpec(
            "racro_eval.engines.openai.engine:OpenAIEngine",
            install="racro-eval[openai]",
            weights="served",
            no_text=frozenset({"concurrency", "retries", "timeout_s", "wait_s"}),
        ),
        "ray": EngineSpec(
            "racro_eval.engines.ray:RayEngine",
            install="racro-eval[ray]",
            needs="vllm",
            weights="loaded",
            no_text=VLLM_NO_TEXT,
        ),
        "transformers": EngineSpec(
            "racro_eval.engines.transformers.engine:TransformersEngine",
            install="racro-eval[cpu]",
            weights="loaded",
            no_text=frozenset({"batch_size", "window"}),
        ),
        "vllm": EngineSpec(
            "racro_eval.engines.vllm.engine:VllmEngine",
            install="racro-eval[vllm]",
            needs="vllm",
            weights="loaded",
            no_text=VLLM_NO_TEXT,
        ),
    },
)


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
    return _factory(engine_name, ENGINES[engine_name])(entry, max_images=max_images)


def _factory(name: str, spec: EngineSpec) -> Callable[..., Engine]:
    if spec.needs and importlib.util.find_spec(spec.needs) is None:
        raise _missing(name, spec, spec.needs)
    try:
        factory: Callable[..., Engine] = load_object(spec.factory)
    except Exception as error:
        raise _not_loaded(name, spec, error) from error
    return factory


def _not_loaded(name: str, spec: EngineSpec, error: Exception) -> Exception:
    """What to raise for a factory that cannot be imported; a slip in our own is raised as it is."""
    if isinstance(error, ModuleNotFoundError) and spec.install:
        missing = error.name or str(error)
        if missing.partition(".")[0] != spec.factory.partition(".")[0]:
            return _missing(name, spec, missing)
    return ENGINES.failure(name, error) if ENGINES.package(name) else error


def _missing(name: str, spec: EngineSpec, package: str) -> RacroError:
    return MissingError(
        f"The engine {name!r} needs the package {package!r}: pip install '{spec.install}'"
    )
