"""What tells rows of the same name apart: the settings in which their runs differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from racro_eval.errors import CacheError
from racro_eval.leaderboard.collect import Cell
from racro_eval.store.sidecar import read_sidecar

_NAMED = 2
"""So many settings are spelt out in a label; more of them are one hash."""


def names_apart(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """For the cells of each row what is its own, such as "sampling.seed 3", or the config's hash.

    Settings are those in the sidecars of the stages' files; where they do not tell all rows apart,
    the start of the hash over all settings does.
    """
    settings = [_settings(cells) for cells in rows]
    keys = sorted({key for one in settings for key in one})
    own = [key for key in keys if len({one.get(key, "default") for one in settings}) > 1]
    labels = [", ".join(f"{key} {one.get(key, 'default')}" for key in own) for one in settings]
    if 0 < len(own) <= _NAMED and len(set(labels)) == len(labels):
        return labels
    return [cells[0].config[:4] for cells in rows]


def _settings(cells: Sequence[Cell]) -> dict[str, str]:
    """The settings of a row's first score, by their path: sampling.temperature."""
    try:
        manifest = read_sidecar(cells[0].stage_path)
    except CacheError:
        return {}
    found = manifest.get("settings")
    return dict(_flat(found, "")) if isinstance(found, dict) else {}


def _flat(settings: Mapping[str, Any], path: str) -> list[tuple[str, str]]:
    found = []
    for key, value in settings.items():
        if isinstance(value, dict):
            found += _flat(value, f"{path}{key}.")
        else:
            found.append((f"{path}{key}", str(value)))
    return found
