"""Everything that racro-eval raises on purpose.

RacroError                     the base; its message is one or two sentences for the user
├── UsageError                 exit 2: what was asked for makes no sense
│   ├── ConfigError            a setting or a YAML file is wrong
│   │   └── OutputError        standard output cannot be written
│   └── UnknownNameError       no benchmark, model or prompt set of that name; says the nearest
├── DataError                  exit 2: a file does not hold what it should
│   ├── ChecksumError          the file's hash is not the published one
│   └── CacheError             a file under results/ was changed into something unreadable
├── MissingError               exit 3: a package, GPU, file or network answer is not there
├── EngineError                exit 3: a model's engine died or could not start
│   └── ServerAwayError        no server is there, or it says that it cannot answer now
└── InternalError              exit 70: a bug of racro-eval itself (`unforeseen.py` makes it)

What goes wrong with one row is never raised: it is data (the row's `error` column).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class RacroError(Exception):
    """Base of all errors shown to the user as a sentence, without a traceback.

    >>> from racro_eval import RacroError, load_benchmark
    >>> try:
    ...     load_benchmark("Demo_MAXI")
    ... except RacroError as error:
    ...     print(error.exit_code, str(error).partition(".")[0])
    2 There is no benchmark 'Demo_MAXI'
    """

    exit_code: ClassVar[int] = 2


class UsageError(RacroError):
    """What was asked for makes no sense."""


class ConfigError(UsageError):
    """A setting or a YAML file is wrong."""


class UnknownNameError(UsageError):
    """No benchmark, model, prompt set or index has that name."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        from rapidfuzz import process

        known = list(known)
        near = [m[0] for m in process.extract(name, known, limit=3, score_cutoff=50)]
        message = f"There is no {kind} {name!r}."
        if near:
            message += f" The nearest: {', '.join(near)}."
        super().__init__(f"{message} {hint}".rstrip())
        self.kind, self.name, self.nearest = kind, name, near


class DataError(RacroError):
    """A file does not hold what it should."""


class ChecksumError(DataError):
    """A file's hash is not the published one."""


class CacheError(DataError):
    """A file under the results folder was changed into something unreadable."""


class MissingError(RacroError):
    """A package, GPU, file or network answer that is needed is not there."""

    exit_code = 3


class EngineError(RacroError):
    """A model's engine died or could not start."""

    exit_code = 3


class ServerAwayError(EngineError):
    """No server is there, or it says that it cannot answer now."""


class InternalError(RacroError):
    """A bug of racro-eval, or of a package that extends it. Its exit code is that of sysexits.h."""

    exit_code = 70
