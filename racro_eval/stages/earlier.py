"""Rows of a model that lie under another fingerprint: how many there are, and how to keep them.

A server that moved, or a folder that was written again, gets a key of its own: whether the weights
are the same is known to the user alone. What the user has to say then is the entry's `identity`.
"""

from __future__ import annotations

import glob
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import RacroError
from racro_eval.models.model import Model
from racro_eval.stages.stage_file import StageFile
from racro_eval.store.row_table import RowTable
from racro_eval.store.sidecar import read_sidecar

_SHOWN = 3


def earlier_rows(files: Iterable[tuple[Model, StageFile]]) -> Iterator[str]:
    """A sentence for each model of which there are more rows under another fingerprint.

    files: what a run is about to write, with the model that writes it.
    """
    found: dict[str, Counter[str]] = {}
    for model, file in files:
        others, own = _rows_by_fingerprint(file, model)
        kept = {name: count for name, count in others.items() if count > own}
        found.setdefault(model.entry.name, Counter()).update(kept)
    for name, counts in found.items():
        if counts:
            yield _sentence(name, counts)


def known_fingerprints(results: Path, entry: ModelEntry, engine: str) -> list[str]:
    """The fingerprints under which a results folder has rows of a model, by its name and engine."""
    folder = entry.folder
    patterns = (f"*/{folder}/*.json", f"*/*/{folder}/*.json", f"**/*.judge-{folder}-*.json")
    found: set[str] = set()
    for pattern in patterns:
        for path in sorted(results.glob(pattern)):
            settings = _model_settings(_manifest(path))
            if (settings.get("engine"), settings.get("model")) == (engine, entry.model):
                found.add(str(settings.get("fingerprint")))
    return sorted(found)


def as_setting(fingerprint: str) -> str:
    """The line of an entry that keeps the rows of a fingerprint, to be copied as it is."""
    return f"identity: {json.dumps(fingerprint)}"


def _sentence(name: str, counts: Counter[str]) -> str:
    shown = [
        f"{as_setting(fingerprint)} ({count} rows)"
        for fingerprint, count in counts.most_common(_SHOWN)
    ]
    more = "" if len(counts) <= _SHOWN else f", and {len(counts) - _SHOWN} others"
    return (
        f"{name}: there are {counts.total()} rows of a model of this name with other weights or at "
        "another address, which are not used. If it is the same model, keep them by this line in "
        f"its entry (`models:` of a --config file): {'; or '.join(shown)}{more}."
    )


def _rows_by_fingerprint(file: StageFile, model: Model) -> tuple[Counter[str], int]:
    """Rows of the same settings but for the fingerprint, and those under the present one."""
    others: Counter[str] = Counter()
    own = 0
    wanted = _without_fingerprint(json.loads(json.dumps(dict(file.settings))))
    for path in sorted(file.folder.glob(f"{glob.escape(file.stem)}-????????*.json")):
        manifest = _manifest(path)
        if ".graded" in path.name or manifest.get("benchmark") != dict(file.benchmark):
            continue
        if _without_fingerprint(manifest.get("settings")) != wanted:
            continue
        count = _count(path.with_suffix(".csv"), manifest, file.columns)
        fingerprint = str(_model_settings(manifest).get("fingerprint"))
        if fingerprint == model.fingerprint:
            own += count
        else:
            others[fingerprint] += count
    return others, own


def _manifest(path: Path) -> Mapping[str, Any]:
    with suppress(RacroError, OSError):
        return read_sidecar(path.with_suffix(".csv"))
    return {}


def _model_settings(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = manifest.get("settings")
    model = settings.get("model") if isinstance(settings, dict) else None
    return model if isinstance(model, dict) else {}


def _without_fingerprint(settings: Any) -> Any:
    if not isinstance(settings, dict) or not isinstance(settings.get("model"), dict):
        return None
    model = {name: value for name, value in settings["model"].items() if name != "fingerprint"}
    return {**settings, "model": model}


def _count(path: Path, manifest: Mapping[str, Any], columns: tuple[str, ...]) -> int:
    """The rows of a file: as its sidecar says, but of a run that was cut short the file itself."""
    rows = manifest.get("rows")
    if isinstance(rows, int) and "process" not in manifest:
        return rows if path.exists() else 0
    with suppress(RacroError, OSError), RowTable(path, columns) as table:
        return len(table)
    return 0
