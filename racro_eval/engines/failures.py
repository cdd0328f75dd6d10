"""How the failure of one request becomes data."""

from __future__ import annotations

import re

from racro_eval.common.printable import printable
from racro_eval.engines.base import Completion, Request
from racro_eval.errors import RacroError

LONGEST = 1000
"""Characters of an error text that are kept."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ADDRESS = re.compile(r"(?: at)? ?\b0x[0-9a-fA-F]{6,}\b")


def describe(error: BaseException) -> str:
    """One line for a row's error column: our own sentence, or "Type: message" of anything else.

    The same error gives the same line in every run: addresses in memory are left out.
    """
    message = one_line(str(error))
    if isinstance(error, RacroError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def one_line(text: str) -> str:
    """A text of a server or a library as one line that is safe to show: no secrets, no colours, no
    addresses in memory, at most `LONGEST` characters."""
    # Before the text is cut, so that no half of a secret stays.
    line = printable(" ".join(_COLOUR.sub("", text).split()))
    line = _ADDRESS.sub("", line)
    return line if len(line) <= LONGEST else line[:LONGEST] + " ..."


def failed(request: Request, error: BaseException, latency_s: float = 0.0) -> Completion:
    """The completion of a request that could not be completed."""
    return Completion(request.id, latency_s=latency_s, error=describe(error))
