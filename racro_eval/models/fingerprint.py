"""The fingerprint of a model's weights, so that a row is reused for the same weights only.

an entry with an `identity`    the identity
a folder on this machine       the hash of its content (`weights.py`)
a model of the hub             its commit, which is then the one that is loaded
a model behind a server        the server's address and what it says about the model
an engine without weights      "name only": there is nothing else to identify
"""

from __future__ import annotations

from pathlib import Path

from racro_eval.engines.model_entry import ModelEntry, model_folder
from racro_eval.engines.openai.served_model import ServedModel, fetch_served_model
from racro_eval.engines.registry import ENGINES
from racro_eval.errors import MissingError
from racro_eval.models.resolve import ships_with_the_package
from racro_eval.models.weights import folder_hash

NAME_ONLY = "name only"


def fingerprint(entry: ModelEntry, engine: str, *, offline: bool, patience_s: float = 0.0) -> str:
    """The fingerprint of the weights with which an engine would answer.

    patience_s: how long a server that is away is asked again; each time a warning is logged.
    Raises MissingError for missing weights, EngineError (ServerAwayError) for a server that does
    not answer, DataError for a folder that changes while it is read.
    """
    kind = ENGINES[engine].weights
    if entry.identity and (kind == "loaded" or not ships_with_the_package(entry)):
        return entry.identity  # of a shipped model it does not apply to a server's weights
    if kind == "none":
        return NAME_ONLY
    if kind == "served":
        return served_fingerprint(fetch_served_model(entry, patience_s))
    if (folder := model_folder(entry.model)) is not None:
        return f"sha256:{folder_hash(folder)}"
    return _hub_commit(entry, offline=offline)


def served_fingerprint(served: ServedModel) -> str:
    """The fingerprint of a served model: one line, which can be an entry's `identity`."""
    return " ".join([served.url, *(f"{name}={value}" for name, value in served.facts)])


def is_served_at(fingerprint: str, url: str) -> bool:
    """Whether a fingerprint is of a model behind the server with this public URL."""
    return fingerprint == url or fingerprint.startswith(f"{url} ")


def pinned(entry: ModelEntry, engine: str, fingerprint: str) -> ModelEntry:
    """The entry of a hub model with its commit as the revision, so that this one is loaded."""
    is_on_hub = ENGINES[engine].loads_weights and entry.local_folder is None
    if not is_on_hub or entry.identity:
        return entry
    return entry.model_copy(update={"revision": fingerprint})


def _hub_commit(entry: ModelEntry, *, offline: bool) -> str:
    """The commit of the model's revision on the hub or, if that is offline, in the local cache."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    reason: Exception | None = None
    if not offline:
        try:
            commit = HfApi().model_info(entry.model, revision=entry.revision, timeout=10).sha
            if commit:
                return commit
        except Exception as error:  # the HTTP library behind the hub's client varies
            reason = error  # offline: the commit that will be loaded is the one in the cache
    cached = try_to_load_from_cache(entry.model, "config.json", revision=entry.revision)
    if isinstance(cached, str):
        return Path(cached).parent.name
    raise MissingError(
        f"The model {entry.model} is neither reachable on the hub nor in its local cache. "
        "Use a local folder, or another engine."
    ) from reason
