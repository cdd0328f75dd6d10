"""From a model's name to what will run: its entry as it is loaded, its engine, its fingerprint."""

from __future__ import annotations

import logging

from racro_eval.engines.base import Engine
from racro_eval.engines.devices import automatic_dtype
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.engines.openai.access import parse_base_url
from racro_eval.engines.registry import ENGINES
from racro_eval.errors import ConfigError, DataError, EngineError, ServerAwayError
from racro_eval.models.fingerprint import fingerprint, is_served_at, pinned
from racro_eval.models.model import Model
from racro_eval.models.resolve import choose_engine, resolve_model
from racro_eval.pipeline.config import RunConfig
from racro_eval.stages.earlier import as_setting, known_fingerprints

_LOG = logging.getLogger(__name__)
PATIENCE_S = 180.0
"""So long a server that does not answer is waited for, as by its engine, without a `wait_s`."""


def locate_model(name: str, config: RunConfig) -> Model:
    """The model that a name means, with its engine and what identifies its weights.

    The entry says what will be loaded: the dtype that `auto` means here, and the hub's commit.
    Raises UnknownNameError, ConfigError, MissingError or EngineError; loads nothing.
    """
    entry = resolve_model(name, config.models)
    entry, engine = choose_engine(entry, config.engine, config.tp, config.dp)
    entry, device = _with_dtype(_with_one_revision(entry, engine), engine)
    found = _fingerprint(entry, engine, config)
    return Model(pinned(entry, engine, found), engine, found, device)


def _with_one_revision(entry: ModelEntry, engine: str) -> ModelEntry:
    """The entry with the revision of vLLM's options as its own, since it decides what is loaded."""
    if not ENGINES[engine].loads_weights or not {"model", "revision"} & set(entry.options):
        return entry
    if "model" in entry.options:
        raise ConfigError(f"The `model` of {entry.name} stands among its options: move it up.")
    options = dict(entry.options)
    revision = options.pop("revision")
    if not isinstance(revision, str):
        raise ConfigError(f"The `revision` of {entry.name} is not a text: {revision!r}.")
    return entry.model_copy(update={"revision": revision, "options": options})


def _with_dtype(entry: ModelEntry, engine: str) -> tuple[ModelEntry, str | None]:
    """The entry with what `dtype: auto` means for its engine here, and the device it is for."""
    if entry.dtype != "auto" or "dtype" in entry.options:
        return entry, None
    dtype, device = automatic_dtype(engine)
    return entry.model_copy(update={"dtype": dtype}), device


def _fingerprint(entry: ModelEntry, engine: str, config: RunConfig) -> str:
    """What identifies the weights. If a server is away, rows that are there may still tell it.

    A run whose rows are all cached needs no server; one that does need it finds out when its engine
    starts (`check_as_planned`).
    """
    try:
        return fingerprint(entry, engine, offline=config.offline)
    except ServerAwayError as error:
        known = known_fingerprints(config.results, entry, engine)
        url = parse_base_url(entry.base_url).public
        here = [text for text in known if is_served_at(text, url)]
        if len(here) == 1:
            _LOG.warning(
                f"{error} Its rows in {config.results} are taken to be those of the same model."
            )
            return here[0]
    try:
        return fingerprint(entry, engine, offline=config.offline, patience_s=_patience_s(entry))
    except ServerAwayError as error:
        if not known:
            raise
        lines = "; or ".join(map(as_setting, known))
        raise EngineError(
            f"{error} To take the rows that are there without asking it, say in the model's entry "
            f"which of them are its own: {lines}."
        ) from error


def _patience_s(entry: ModelEntry) -> float:
    """How long a server that is away is asked again: as long as its engine would wait, if told."""
    given = entry.options.get("wait_s")
    if isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    return PATIENCE_S


def check_as_planned(model: Model, engine: Engine) -> None:
    """Raise EngineError if an engine that has started is not what its rows would be kept under."""
    name, there = model.entry.name, engine.info.device
    if model.device and there and there != model.device:
        raise EngineError(
            f"{name} was planned for a {model.device.upper()}, but its engine runs on a "
            f"{there.upper()}, where `dtype: auto` means another dtype. Give its entry a dtype: "
            "float32 or bfloat16, say."
        )
    found = _fingerprint_now(model)
    if found != model.fingerprint:
        raise EngineError(
            f"{name} has other weights than when the run was planned: {found!r}, not "
            f"{model.fingerprint!r}. Start the run again; if it is the same model after all, give "
            f"its entry {as_setting(model.fingerprint)}."
        )


def _fingerprint_now(model: Model) -> str:
    """What identifies the weights by now. A commit of the hub is what was loaded, by its name."""
    entry, engine = model.entry, model.engine
    if ENGINES[engine].loads_weights and entry.local_folder is None:
        return model.fingerprint
    try:
        return fingerprint(entry, engine, offline=True, patience_s=_patience_s(entry))
    except DataError as error:  # of files that are being written
        raise EngineError(str(error)) from error
