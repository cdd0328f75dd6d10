"""The JSON file next to a CSV: what the CSV contains and which runs wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from racro_eval.common.redaction import redacted_values
from racro_eval.common.regular_files import open_regular
from racro_eval.errors import CacheError
from racro_eval.store.atomic import write_atomically
from racro_eval.store.records import clean


def sidecar_path(path: Path) -> Path:
    """The path of a CSV's sidecar: caption-1a2b3c4d.csv → caption-1a2b3c4d.json."""
    return path.with_suffix(".json")


def write_sidecar(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the sidecar of a CSV in one step. Secrets in its texts are redacted."""
    text = json.dumps(redacted_values(content), indent=2, ensure_ascii=False)
    write_atomically(sidecar_path(path), [clean(text).encode(), b"\n"])


def read_sidecar(path: Path) -> dict[str, Any]:
    """The sidecar of a CSV, or {} if there is none. Raises CacheError if it cannot be read."""
    sidecar = sidecar_path(path)
    try:
        with open_regular(sidecar) as file:
            content = json.loads(file.read().decode("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CacheError(f"{sidecar} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise CacheError(
            f"{sidecar} is not valid JSON: {error}. Remove it; the next run writes a new one."
        ) from error
    return content if isinstance(content, dict) else {}


def runs_of(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The runs that a sidecar lists; invalid entries are left out."""
    runs = manifest.get("runs")
    return [run for run in runs if isinstance(run, dict)] if isinstance(runs, list) else []
