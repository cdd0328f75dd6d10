"""What identifies a model's weights, so that a row is reused for the same weights only.

an entry's `identity`        as it stands
a folder of this machine     the hash of its content (`weights.py`)
a model of the hub           its commit, by which it is then loaded
a model behind a server      the server's address and what it says of the model
an engine without weights    nothing: the name is all there is
"""

from __future__ import annotations

from pathlib import Path

from racro_eval.engines.model_entry import ModelEntry
from racro_eval.engines.openai.served_model import ServedModel, fetch_served_model
from racro_eval.engines.registry import ENGINES
from racro_eval.errors import MissingError
from racro_eval.models.resolve import ships_with_the_package
from racro_eval.models.weights import folder_hash

NAME_ONLY = "name only"


def fingerprint(entry: ModelEntry, engine: str, *, offline: bool, patience_s: float = 0.0) -> str:
    """What identifies the weights that an engine would answer with.

    patience_s: for so long a server that is away is asked again, which is logged.
    Raises MissingError for weights that are not there, EngineError for a server that does not
    answer, DataError for a folder that changes while it is read.
    """
    kind = ENGINES[engine].weights
    if entry.identity and (kind == "loaded" or not ships_with_the_package(entry)):
        return entry.identity  # that of a model in the package says nothing of a server's
    if kind == "none":
        return NAME_ONLY
    if kind == "served":
        return served_fingerprint(fetch_served_model(entry, patience_s))
    folder = entry.local_folder
    if folder is not None:
        if not (folder / "config.json").is_file():
            raise MissingError(f"The folder {folder} is not a model: it has no config.json.")
        return f"sha256:{folder_hash(folder)}"
    if entry.model.startswith((".", "/", "~")):
        raise MissingError(f"There is no model folder {entry.model}.")
    return _hub_commit(entry, offline=offline)


def served_fingerprint(served: ServedModel) -> str:
    """A served model in one line, which can stand in an entry as its `identity`."""
    return " ".join([served.url, *(f"{name}={value}" for name, value in served.facts)])


def is_served_at(text: str, url: str) -> bool:
    """Whether a fingerprint is that of a model behind this address."""
    return text == url or text.startswith(f"{url} ")


def pinned(entry: ModelEntry, engine: str, found: str) -> ModelEntry:
    """The entry with the commit that was found as its revision, so that this one is loaded."""
    of_the_hub = ENGINES[engine].weights == "loaded" and entry.local_folder is None
    if not of_the_hub or entry.identity:
        return entry
    return entry.model_copy(update={"revision": found})


def _hub_commit(entry: ModelEntry, *, offline: bool) -> str:
    """The commit that the hub, or else its local cache, gives for the model's revision."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    reason: Exception | None = None
    if not offline:
        try:
            commit = HfApi().model_info(entry.model, revision=entry.revision, timeout=10).sha
            if commit:
                return commit
        except Exception as error:  # of whichever HTTP library the hub's client has this year
            reason = error  # the hub is away: the cache says which commit will be loaded
    cached = try_to_load_from_cache(entry.model, "config.json", revision=entry.revision)
    if isinstance(cached, str):
        return Path(cached).parent.name
    raise MissingError(
        f"The model {entry.model} is neither reachable on the hub nor in its local cache. "
        "Give a local folder, or another engine."
    ) from reason
