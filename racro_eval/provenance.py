"""Which program wrote a file, when, and by which command."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from racro_eval.redaction import redacted, without_credentials


def argv() -> list[str]:
    """The command line, fit for a file that is passed on."""
    return [private(argument) for argument in sys.argv]


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def private(text: str) -> str:
    """A command-line argument without the home folder's path and without secrets."""
    home = str(Path.home())
    text = re.sub(re.escape(home) + r"(?=/|$)", "~", text)
    return redacted(without_credentials(text))


@cache
def git_commit() -> str | None:
    """The commit of the checkout that racro-eval runs from, if it runs from one."""
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        return None
    done = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None
