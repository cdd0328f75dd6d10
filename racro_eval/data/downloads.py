"""Downloads of published files, checked by their hashes.

A download goes to a `.part` file, resumes where an earlier one stopped, and is renamed only after
its hashes were checked, so that an incomplete file is never taken for a complete one.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from racro_eval.common.printable import printable
from racro_eval.common.redaction import without_credentials
from racro_eval.data.data_roots import open_file
from racro_eval.errors import ChecksumError, MissingError

_CHUNK = 1 << 16
"""Bytes read at a time; at most this many are lost when a connection ends."""
_TIMEOUT = (20, 60)
"""Limits in seconds: to connect, and to wait for the next bytes."""


def check_hashes(path: Path, hashes: dict[str, str]) -> None:
    """Check that a file is the published one. Raises ChecksumError, which names both hashes.

    hashes: algorithm (md5, sha256) → hex digest; empty if none was published.
    """
    states = {name: hashlib.new(name) for name in hashes}
    if states:
        with open_file(path) as file:
            while chunk := file.read(_CHUNK):
                for state in states.values():
                    state.update(chunk)
    for name, state in states.items():
        if state.hexdigest() != hashes[name]:
            raise ChecksumError(
                f"{path} has {name} {state.hexdigest()}, but the published file has {hashes[name]}."
                " Delete it to download it again, or describe your own file in your own YAML."
            )


def download(url: str, target: Path, hashes: dict[str, str]) -> Path:
    """Download `url` to `target`, resuming a partial download, and check it; returns `target`.

    Raises MissingError, which names the reason, or ChecksumError. A second process that wants the
    same file waits for the first one, and then uses its file.
    """
    part = target.with_name(target.name + ".part")
    with download_lock(target):
        if not target.exists():
            try:
                _resume(url, part)
            except OSError as error:  # the errors of requests are OSErrors too
                source = without_credentials(url)
                raise MissingError(
                    f"{target.name} could not be downloaded from {source} ({_reason(error)}). "
                    "The same command resumes it; --data-root takes a local copy."
                ) from error
            try:
                check_hashes(part, hashes)
            except ChecksumError:
                part.unlink()
                raise
            part.replace(target)
    return target


@contextmanager
def download_lock(target: Path) -> Iterator[None]:
    """Only one process at a time downloads a file or folder; the others print that they wait."""
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


def _resume(url: str, part: Path) -> None:
    """Complete a partial file. A server without support for ranges sends the whole file again."""
    import requests
    from tqdm import tqdm

    done = part.stat().st_size if part.exists() else 0
    # With compression, lengths and ranges would not be those of the file.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # the partial file is complete; its hashes are checked next
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
