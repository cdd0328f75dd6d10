"""How the failure of one request becomes data."""

from __future__ import annotations

import re

from racro_eval.common.printable import printable
from racro_eval.common.redaction import redacted
from racro_eval.engines.base import Completion, Request
from racro_eval.errors import RacroError

LONGEST = 1000
"""Characters of an error text that are kept."""
_ESCAPE_CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Colours and cursor movements of a terminal."""
_MEMORY_ADDRESS = re.compile(r"(?: at)? ?\b0x[0-9a-fA-F]{6,}\b")


def failed(request: Request, error: BaseException, latency_s: float = 0.0) -> Completion:
    """The completion of a request that could not be completed."""
    return Completion(request.id, latency_s=latency_s, error=describe(error))


def describe(error: BaseException) -> str:
    """One line for a row's error column: our own sentence, or "Type: message" of any other error.

    The same error has the same line in every run: addresses in memory are left out.
    """
    message = one_line(str(error))
    if isinstance(error, RacroError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def one_line(text: str, longest: int = LONGEST) -> str:
    """A text of a server, a library or a model as one line of at most `longest` characters.

    It is safe to show and to store: without secrets, escape codes and addresses in memory.
    """
    start = redacted(text)[: 20 * longest]  # redacted first, so that no half of a secret stays
    words = _ESCAPE_CODE.sub("", start).split()
    line = _MEMORY_ADDRESS.sub("", printable(" ".join(words)))
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def last_line(text: str) -> str:
    """The last line of a text that is not blank, without escape codes; "" if all are blank."""
    lines = _ESCAPE_CODE.sub("", text).replace("\r", "\n").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
