"""Where the files of benchmarks are: the user's data root, then the user cache.

Names of files come from a benchmark's YAML or rows, which somebody else may have written: a path
from there is resolved by `path_inside`, and every file is opened by `open_file`.
"""

from __future__ import annotations

import os
from io import BufferedReader
from pathlib import Path

from racro_eval.common.regular_files import open_regular
from racro_eval.common.user_cache import cache_folder
from racro_eval.errors import DataError, MissingError


def benchmark_cache() -> Path:
    """The folder that benchmarks are downloaded to."""
    return cache_folder("benchmarks")


def search_folders(data_root: Path | None) -> list[Path]:
    """The folders to search, in order: --data-root, else RACRO_DATA if it is set; then the cache.

    Raises MissingError if the data root is not a folder.
    """
    given = str(data_root) if data_root else os.environ.get("RACRO_DATA")
    roots = [Path(os.path.expanduser(given))] if given else []
    for root in roots:
        if not root.is_dir():
            raise MissingError(f"The data root {root} is not a folder.")
    return [*roots, benchmark_cache()]


def find_file(name: str, root: Path) -> Path | None:
    """The path of `name` in a root, or None. The root may be the first folder of `name` itself.

    `mathvista/query.json` is `ROOT/mathvista/query.json`, else `ROOT/query.json`.
    """
    for candidate in (root / name, root.joinpath(*Path(name).parts[1:] or [name])):
        if candidate.exists():
            return candidate
    return None


def require_file(name: str, root: Path) -> Path:
    """The path of `name` in a root. Raises MissingError."""
    path = find_file(name, root)
    if path is None:
        raise MissingError(f"{root} has no {name}.")
    return path


def path_inside(folder: Path, name: str, source: Path) -> str:
    """The path of the file `name` in a folder. Raises DataError if it is outside of the folder.

    source: the file that names it, for the error. `..` is resolved in the text and not on the disk,
    so that a link cannot lead it elsewhere. Links in the folder itself are followed: its owner made
    them, and a cache of the Hugging Face hub consists of them.
    """
    root = os.path.abspath(folder)
    target = os.path.normpath(os.path.join(root, name))
    if not target.startswith(os.path.join(root, "")):
        raise DataError(f"{source}: the path {name!r} leads out of {folder}.")
    return target


def open_file(path: Path) -> BufferedReader:
    """Open a benchmark's file for reading bytes. Raises DataError if it cannot be read."""
    try:
        return open_regular(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
