"""Rows of a model under another fingerprint: how many there are, and how to keep them.

A server that moved, or a folder that was written again, gets another key, because only the user
knows whether the weights are the same. The user says so with the `identity` of the model's entry.
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
    """A sentence for each model that has more rows under another fingerprint than under its own.

    files: what a run is about to write, with the model that writes it.
    """
    counts_by_model: dict[str, Counter[str]] = {}
    for model, file in files:
        others, own = _rows_by_fingerprint(file, model)
        more = {name: count for name, count in others.items() if count > own}
        counts_by_model.setdefault(model.entry.name, Counter()).update(more)
    for name, counts in counts_by_model.items():
        if counts:
            yield _sentence(name, counts)


def known_fingerprints(results: Path, entry: ModelEntry, engine: str) -> list[str]:
    """The fingerprints under which a results folder has rows of a model, by its name and engine."""
    folder = entry.folder
    patterns = (f"*/{folder}/*.json", f"*/*/{folder}/*.json", f"**/*.judge-{folder}-*.json")
    fingerprints: set[str] = set()
    for pattern in patterns:
        for path in sorted(results.glob(pattern)):
            settings = _model_settings(_manifest(path))
            if (settings.get("engine"), settings.get("model")) == (engine, entry.model):
                fingerprints.add(str(settings.get("fingerprint")))
    return sorted(fingerprints)


def as_setting(fingerprint: str) -> str:
    """The line in a model's entry that keeps the rows under a fingerprint, ready to be copied."""
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
    """How many rows of the same settings there are under other fingerprints, and under this one."""
    others: Counter[str] = Counter()
    own = 0
    settings = _without_fingerprint(json.loads(json.dumps(dict(file.settings))))
    for path in sorted(file.folder.glob(f"{glob.escape(file.stem)}-????????*.json")):
        manifest = _manifest(path)
        if ".graded" in path.name or manifest.get("benchmark") != dict(file.benchmark):
            continue
        if _without_fingerprint(manifest.get("settings")) != settings:
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
    """How many rows a file has: from its sidecar, or after an interrupted run from the file."""
    rows = manifest.get("rows")
    if isinstance(rows, int) and "process" not in manifest:
        return rows if path.exists() else 0
    with suppress(RacroError, OSError), RowTable(path, columns) as table:
        return len(table)
    return 0
