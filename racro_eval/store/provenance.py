"""Which program wrote a file, when, and with which command.

A fact that cannot be determined is omitted or "unknown": no row may be lost because of it.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path

from racro_eval.common.redaction import redacted, without_credentials

_GIT_SECONDS = 10
"""On a network disk that does not answer, git would wait for ever."""


def argv() -> list[str]:
    """The command line, without private data, so that a file with it can be shared."""
    return [without_private_data(argument) for argument in getattr(sys, "argv", [])]


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def without_private_data(text: str) -> str:
    """A command-line argument with the home folder as `~` and without secrets."""
    home = os.path.expanduser("~")  # "~" itself if the user has no home folder
    if home.strip("/") and home.startswith("/"):
        text = re.sub(re.escape(home.rstrip("/")) + r"(?=/|$)", "~", text)
    return redacted(without_credentials(text))


def host() -> str:
    """The name of this machine."""
    try:
        return socket.gethostname()
    except OSError:
        return "unknown"


@cache
def version() -> str:
    """The version of racro-eval; "unknown" if it runs from a copy that was never installed."""
    try:
        return metadata.version("racro-eval")
    except (metadata.PackageNotFoundError, OSError):
        return "unknown"


@cache
def git_commit() -> str | None:
    """The commit of the checkout that racro-eval runs from; None without a checkout or git."""
    root = Path(__file__).parents[2]
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        if not (root / ".git").exists():
            return None
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_GIT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
