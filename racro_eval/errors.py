"""All errors that racro-eval raises on purpose.

RacroError                     the base class; its message is one or two sentences for the user
├── UsageError                 exit 2: the request is invalid
│   ├── ConfigError            a setting or a YAML file is wrong
│   │   └── OutputError        standard output cannot be written
│   └── UnknownNameError       no benchmark, model or prompt set has that name; lists the nearest
├── DataError                  exit 2: a file has the wrong content
│   ├── ChecksumError          a file's hash differs from the published one
│   └── CacheError             a file under results/ was changed and cannot be read
├── MissingError               exit 3: a package, GPU, file or network answer is missing
├── EngineError                exit 3: a model's engine died or could not start
│   └── ServerAwayError        a server cannot be reached, or says that it cannot answer now
└── InternalError              exit 70: a bug in racro-eval (`system_errors.to_racro_error`)

A problem with one row is never raised: it is data (the row's `error` column).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class RacroError(Exception):
    """Base class of all errors that are shown to the user without a traceback.

    >>> from racro_eval import RacroError, load_benchmark
    >>> try:
    ...     load_benchmark("Demo_MAXI")
    ... except RacroError as error:
    ...     print(error.exit_code, str(error).partition(".")[0])
    2 There is no benchmark 'Demo_MAXI'
    """

    exit_code: ClassVar[int] = 2


class UsageError(RacroError):
    """The request is invalid."""


class ConfigError(UsageError):
    """A setting or a YAML file is wrong."""


class UnknownNameError(UsageError):
    """No benchmark, model, prompt set or index has that name; `names` are those that exist."""

    def __init__(self, kind: str, name: str, names: Iterable[str], hint: str = "") -> None:
        from rapidfuzz import process

        matches = process.extract(name, list(names), limit=3, score_cutoff=50)
        nearest = [match[0] for match in matches]
        message = f"There is no {kind} {name!r}."
        if nearest:
            message += f" The nearest: {', '.join(nearest)}."
        super().__init__(f"{message} {hint}".rstrip())
        self.kind, self.name, self.nearest = kind, name, nearest


class DataError(RacroError):
    """A file has the wrong content."""


class ChecksumError(DataError):
    """A file's hash differs from the published one."""


class CacheError(DataError):
    """A file under the results folder was changed and cannot be read."""


class MissingError(RacroError):
    """A package, GPU, file or network answer that is needed is missing."""

    exit_code = 3


class EngineError(RacroError):
    """A model's engine died or could not start."""

    exit_code = 3


class ServerAwayError(EngineError):
    """A server cannot be reached, or says that it cannot answer now."""


class InternalError(RacroError):
    """A bug of racro-eval or of a package that extends it. Its exit code is EX_SOFTWARE, 70."""

    exit_code = 70
