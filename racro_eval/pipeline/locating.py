"""From a model's name to the model that will run: its entry, its engine, its fingerprint."""

from __future__ import annotations

import logging

from racro_eval.engines.base import Engine
from racro_eval.engines.devices import automatic_dtype
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.engines.openai import DEFAULT_WAIT_S
from racro_eval.engines.openai.access import parse_base_url
from racro_eval.engines.registry import ENGINES
from racro_eval.errors import ConfigError, DataError, EngineError, ServerAwayError
from racro_eval.models.fingerprint import fingerprint, is_served_at, pinned
from racro_eval.models.model import Model
from racro_eval.models.resolve import choose_engine, resolve_model
from racro_eval.pipeline.config import RunConfig
from racro_eval.stages.earlier import as_setting, known_fingerprints

_LOG = logging.getLogger(__name__)


def locate_model(name: str, config: RunConfig) -> Model:
    """The model with a name, its engine and what identifies its weights. Loads nothing.

    The entry contains exactly what will be loaded: the dtype that `auto` means on this machine, and
    the hub's commit. Raises UnknownNameError, ConfigError, MissingError or EngineError.
    """
    entry = resolve_model(name, config.models)
    entry, engine = choose_engine(entry, config.engine, config.tp, config.dp)
    entry, device = _with_dtype(_with_own_revision(entry, engine), engine)
    weights = _fingerprint(entry, engine, config)
    return Model(pinned(entry, engine, weights), engine, weights, device)


def _with_own_revision(entry: ModelEntry, engine: str) -> ModelEntry:
    """The entry with the `revision` of its options as its own, since that selects the weights."""
    if not ENGINES[engine].loads_weights or not {"model", "revision"} & set(entry.options):
        return entry
    if "model" in entry.options:
        raise ConfigError(
            f"The `model` of {entry.name} is one of its options: move it out of `options`."
        )
    options = dict(entry.options)
    revision = options.pop("revision")
    if not isinstance(revision, str):
        raise ConfigError(f"The `revision` of {entry.name} must be a text, not {revision!r}.")
    return entry.model_copy(update={"revision": revision, "options": options})


def _with_dtype(entry: ModelEntry, engine: str) -> tuple[ModelEntry, str | None]:
    """The entry with the dtype that `auto` means on this machine, and the device for it."""
    if entry.dtype != "auto" or "dtype" in entry.options:
        return entry, None
    dtype, device = automatic_dtype(engine)
    return entry.model_copy(update={"dtype": dtype}), device


def _fingerprint(entry: ModelEntry, engine: str, config: RunConfig) -> str:
    """What identifies the weights. If a server is away, existing rows may still identify them.

    A run whose rows are all cached needs no server. For any other run, `check_as_planned` compares
    the fingerprints when the engine has started.
    """
    try:
        return fingerprint(entry, engine, offline=config.offline)
    except ServerAwayError as error:
        fingerprints = known_fingerprints(config.results, entry, engine)
        url = parse_base_url(entry.base_url).public
        matching = [text for text in fingerprints if is_served_at(text, url)]
        if len(matching) == 1:
            _LOG.warning(
                f"{error} Its rows in {config.results} are assumed to be from the same model."
            )
            return matching[0]
    try:
        return fingerprint(entry, engine, offline=config.offline, patience_s=_patience_s(entry))
    except ServerAwayError as error:
        if not fingerprints:
            raise
        lines = "; or ".join(map(as_setting, fingerprints))
        raise EngineError(
            f"{error} To use the existing rows without the server, state in the model's entry "
            f"which of them belong to it: {lines}."
        ) from error


def _patience_s(entry: ModelEntry) -> float:
    """How long to wait for a server that is away: as long as its engine would."""
    wait_s = entry.options.get("wait_s")
    if isinstance(wait_s, int | float) and not isinstance(wait_s, bool):
        return float(wait_s)
    return DEFAULT_WAIT_S


def check_as_planned(model: Model, engine: Engine) -> None:
    """Raise EngineError if a started engine is not the one whose rows were planned."""
    name, device = model.entry.name, engine.info.device
    if model.device and device and device != model.device:
        raise EngineError(
            f"{name} was planned for a {model.device.upper()}, but its engine runs on a "
            f"{device.upper()}, where `dtype: auto` means another dtype. Give its entry a dtype, "
            "for example float32 or bfloat16."
        )
    current = _current_fingerprint(model)
    if current != model.fingerprint:
        raise EngineError(
            f"{name} has other weights than when the run was planned: {current!r}, not "
            f"{model.fingerprint!r}. Start the run again; if it is the same model after all, give "
            f"its entry {as_setting(model.fingerprint)}."
        )


def _current_fingerprint(model: Model) -> str:
    """What identifies the weights now. A commit of the hub cannot change."""
    entry, engine = model.entry, model.engine
    if ENGINES[engine].loads_weights and entry.local_folder is None:
        return model.fingerprint
    try:
        return fingerprint(entry, engine, offline=True, patience_s=_patience_s(entry))
    except DataError as error:  # the files are being written
        raise EngineError(str(error)) from error
