"""Where a benchmark's files are: the user's data root, else a checked download in the user cache.

A download goes to a `.part` file, continues where an earlier one stopped, and is renamed only when
its hashes are right, so that a half file never looks like a whole one.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from racro_eval.common.printable import printable
from racro_eval.common.redaction import without_credentials
from racro_eval.common.regular_files import open_regular
from racro_eval.errors import ChecksumError, DataError, MissingError

_CHUNK = 1 << 16
"""Bytes read at a time; so many at most are lost when a connection ends."""
_TIMEOUT = (20, 60)
"""Seconds until a connection stands, and without any byte."""


def data_roots(data_root: Path | None) -> list[Path]:
    """The folders to look in, first match wins: --data-root, else RACRO_DATA; then the cache."""
    given = str(data_root) if data_root else os.environ.get("RACRO_DATA")
    roots = [Path(os.path.expanduser(given))] if given else []
    for root in roots:
        if not root.is_dir():
            raise MissingError(f"The data root {root} is not a folder.")
    return [*roots, cache_folder()]


def cache_folder(part: str = "benchmarks") -> Path:
    """A part of the user's cache: RACRO_CACHE, else the platform's place for it."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("RACRO_CACHE") or user_cache_path("racro-eval")) / part


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


def check(path: Path, hashes: dict[str, str]) -> None:
    """Raise ChecksumError, naming both hashes, unless the file is the published one.

    hashes: algorithm (md5, sha256) → hex digest; empty if none was published.
    """
    states = {name: hashlib.new(name) for name in hashes}
    if states:
        with opened(path) as file:
            while chunk := file.read(_CHUNK):
                for state in states.values():
                    state.update(chunk)
    for name, state in states.items():
        if state.hexdigest() != hashes[name]:
            raise ChecksumError(
                f"{path} has {name} {state.hexdigest()}, but the published file has {hashes[name]}."
                " Delete it to download it again, or describe your own file in your own YAML."
            )


def opened(path: Path) -> BufferedReader:
    """A benchmark's file, for reading bytes. Raises DataError if it cannot be read."""
    try:
        return open_regular(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def download(url: str, target: Path, hashes: dict[str, str]) -> Path:
    """Fetch `url` to `target`, resuming a partial download, and check it.

    Raises MissingError, naming the reason, or ChecksumError. Two processes do not disturb each
    other: the second waits, and finds the file.
    """
    part = target.with_name(target.name + ".part")
    with alone(target):
        if not target.exists():
            try:
                _continue(url, part)
            except OSError as error:  # those of requests are such too
                source = without_credentials(url)
                raise MissingError(
                    f"{target.name} could not be downloaded from {source} ({_reason(error)}). "
                    "The same command continues it; --data-root takes a local copy."
                ) from error
            try:
                check(part, hashes)
            except ChecksumError:
                part.unlink()
                raise
            part.replace(target)
    return target


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Be the only process that downloads a file or folder; says so if another one does."""
    from filelock import FileLock, Timeout

    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(
            f"{target.name} is being downloaded by another process; waiting for it.",
            file=sys.stderr,
        )
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _continue(url: str, part: Path) -> None:
    """Bring a part to its full length. Servers that know no ranges send the file anew."""
    import requests
    from tqdm import tqdm

    done = part.stat().st_size if part.exists() else 0
    # Compressed in transfer, lengths and ranges would not be those of the file.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # the part is the whole file already; its hash will tell
        response.raise_for_status()
        resumed = response.status_code == requests.codes.partial_content
        done = done if resumed else 0
        length = int(response.headers.get("Content-Length", 0)) + done
        bar = tqdm(
            total=length or None,
            initial=done,
            desc=printable(part.name.removesuffix(".part")),
            unit="B",
            unit_scale=True,
        )
        with part.open("ab" if resumed else "wb") as file, bar:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))


def _reason(error: OSError) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    return error.strerror or type(error).__name__
