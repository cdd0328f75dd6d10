"""The folder where this program keeps what it can fetch or compute again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(part: str) -> Path:
    """The folder of one part of the user's cache, such as `benchmarks`; it may not exist yet.

    It is in the folder that the environment variable RACRO_CACHE names, else in the platform's
    folder for caches, for example `~/.cache/racro-eval`.
    """
    from platformdirs import user_cache_path

    return Path(os.environ.get("RACRO_CACHE") or user_cache_path("racro-eval")) / part
