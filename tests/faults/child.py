"""What a child of the fork server does. Imported by the server once, so this loads what runs need.

The imports below are those that commands make late; all are loaded before the first fork.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import filelock  # noqa: F401

from racro_eval.cli import main

if TYPE_CHECKING:
    from tests.faults.process import Prepare


def command(
    arguments: list[str],
    folder: Path,
    streams: tuple[Path, Path],
    env: dict[str, str],
    prepare: Prepare | None,
) -> None:
    """Be `racro-eval ARGUMENTS`: never returns."""
    try:
        _begin(arguments, folder, streams, env, prepare)
    except KeyboardInterrupt:  # a signal that came before racro-eval had begun
        os._exit(130)
    sys.exit(main(arguments))


def _begin(
    arguments: list[str],
    folder: Path,
    streams: tuple[Path, Path],
    env: dict[str, str],
    prepare: Prepare | None,
) -> None:
    os.setsid()
    os.chdir(folder)
    for number, path in zip((1, 2), streams, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), number)
    # A line is with the reader at once, as on a terminal; what a killed process printed is kept.
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", buffering=1)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1)
    sys.argv = ["racro-eval", *arguments]
    os.environ.update(env)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if prepare:
        prepare()
