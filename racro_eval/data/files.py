"""Where a benchmark's files are: the user's data root, else a checked download in the user cache.

A download goes to a `.part` file, continues where an earlier one stopped, and is renamed only when
its hash is right, so that a half file never looks like a whole one.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from racro_eval.errors import ChecksumError, MissingError

_CHUNK = 1 << 20


def data_roots(data_root: Path | None) -> list[Path]:
    """The folders to look in, first match wins: --data-root, else RACRO_DATA; then the cache."""
    given = str(data_root) if data_root else os.environ.get("RACRO_DATA")
    roots = [Path(given).expanduser()] if given else []
    for root in roots:
        if not root.is_dir():
            raise MissingError(f"The data root {root} is not a folder.")
    return [*roots, cache_folder()]


def cache_folder() -> Path:
    """The folder of downloaded benchmarks: RACRO_CACHE, else the platform's user cache."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("RACRO_CACHE") or user_cache_path("racro-eval")) / "benchmarks"


def find(name: str, root: Path) -> Path | None:
    """The path of `name` under a root, or without its first folder if the root is that folder."""
    for candidate in (root / name, root.joinpath(*Path(name).parts[1:] or [name])):
        if candidate.exists():
            return candidate
    return None


def get(name: str, root: Path) -> Path:
    """The path of `name` under a root. Raises MissingError."""
    path = find(name, root)
    if path is None:
        raise MissingError(f"{root} has no {name}.")
    return path


def check_md5(path: Path, expected: str | None) -> None:
    """Raise ChecksumError, naming both hashes, unless the file is the published one."""
    if expected is None:
        return
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "md5").hexdigest()
    if actual != expected:
        raise ChecksumError(
            f"{path} has md5 {actual}, but the published file has {expected}. "
            "Delete it to download it again, or describe your own file in your own benchmark YAML."
        )


def download(url: str, target: Path, md5: str | None) -> Path:
    """Fetch `url` to `target`, resuming a partial download, and check it. Raises MissingError."""
    import requests
    from tqdm import tqdm

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    done = part.stat().st_size if part.exists() else 0
    try:
        headers = {"Range": f"bytes={done}-"} if done else {}
        with requests.get(url, headers=headers, stream=True, timeout=60) as response:
            if response.status_code == 416:  # the part is already the whole file
                pass
            else:
                response.raise_for_status()
                resumed = response.status_code == 206
                total = int(response.headers.get("Content-Length", 0)) + (done if resumed else 0)
                with (
                    part.open("ab" if resumed else "wb") as file,
                    tqdm(
                        total=total or None,
                        initial=done if resumed else 0,
                        desc=target.name,
                        unit="B",
                        unit_scale=True,
                    ) as bar,
                ):
                    for chunk in response.iter_content(_CHUNK):
                        file.write(chunk)
                        bar.update(len(chunk))
    except requests.RequestException as error:
        raise MissingError(
            f"{target.name} could not be downloaded from {url} ({type(error).__name__}). "
            "The same command continues it; --data-root takes a local copy."
        ) from error
    try:
        check_md5(part, md5)
    except ChecksumError:
        part.unlink()
        raise
    part.replace(target)
    return target
