"""How the failure of one request becomes data."""

from __future__ import annotations

from racro_eval.engines.base import Completion, Request
from racro_eval.errors import RacroError


def describe(error: BaseException) -> str:
    """One line for a row's error column: our own sentence, or "Type: message" of anything else."""
    message = " ".join(str(error).split())
    if isinstance(error, RacroError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def failed(request: Request, error: BaseException, latency_s: float = 0.0) -> Completion:
    """The completion of a request that could not be completed."""
    return Completion(request.id, latency_s=latency_s, error=describe(error))
