"""The settings that distinguish rows with the same label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from racro_eval.errors import CacheError
from racro_eval.leaderboard.collect import Cell
from racro_eval.store.sidecar import read_sidecar

_MOST_SETTINGS = 2
"""A label names at most this many settings; instead of more it has a hash."""


def distinctions(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """What is different in each of these rows, such as "sampling.seed 3", or a part of a hash.

    rows: the cells of each row. The settings are those in the sidecars of the stages' files. If
    they do not distinguish all rows, the hash is the beginning of `Cell.settings_hash`.
    """
    settings = [_settings(cells) for cells in rows]
    keys = sorted({key for row in settings for key in row})
    different = [key for key in keys if len({row.get(key, "default") for row in settings}) > 1]
    labels = [
        ", ".join(f"{key} {row.get(key, 'default')}" for key in different) for row in settings
    ]
    if 0 < len(different) <= _MOST_SETTINGS and len(set(labels)) == len(labels):
        return labels
    return [cells[0].settings_hash[:4] for cells in rows]


def _settings(cells: Sequence[Cell]) -> dict[str, str]:
    """The settings of a row's first score by their path, such as sampling.temperature."""
    try:
        manifest = read_sidecar(cells[0].stage_path)
    except CacheError:
        return {}
    settings = manifest.get("settings")
    return dict(_flattened(settings, "")) if isinstance(settings, dict) else {}


def _flattened(settings: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", str(value)
