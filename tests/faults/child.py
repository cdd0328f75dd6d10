"""What a child of the fork server does. Imported by the server once, so this loads what runs need.

The imports below are those that commands make late; all are loaded before the first fork.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
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
    """Be `racro-eval ARGUMENTS`: never returns.

    Nothing may come after it that is not racro-eval's: under a limit, and where the lines of tests
    are counted, coverage would fail to write its file.
    """
    code = 130  # of a signal that comes before racro-eval has begun
    with contextlib.suppress(KeyboardInterrupt):
        _begin(arguments, folder, streams, env, prepare)
        code = _main(arguments)
    os._exit(code)


def _main(arguments: list[str]) -> int:
    """What Python makes of racro-eval's main: its exit code, and its streams flushed."""
    try:
        return main(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()


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
