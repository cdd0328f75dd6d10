"""The command line. One module per command; a command's imports happen when it is run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from racro_eval import redaction
from racro_eval.cli.output import guard_tracebacks, printable
from racro_eval.cli.parser import build_parser
from racro_eval.errors import RacroError

INTERRUPTED = 130
INTERNAL_ERROR = 70
"""The exit code of a bug, as in sysexits.h."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (default: the process's own) and give the exit code.

    0 done; 1 done, but too many rows failed; 2 usage or configuration; 3 something is missing;
    130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0].startswith("-") and not _asks_for_help(arguments[0]):
        arguments.insert(0, "run")
    redaction.learn(arguments)
    guard_tracebacks()
    args = build_parser().parse_args(arguments)
    try:
        code: int = args.execute(args)
        sys.stdout.flush()
        return code
    except RacroError as error:
        if args.debug:
            raise
        return _complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _complain(
            "Interrupted. Everything finished so far is on disk; the same command goes on from it.",
            INTERRUPTED,
        )
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if args.debug:
            raise
        return _complain(
            f"This is a bug in racro-eval: {type(error).__name__}: {error} "
            "(--debug shows where). Finished rows are on disk.",
            INTERNAL_ERROR,
        )


def _asks_for_help(argument: str) -> bool:
    return argument in ("-h", "--help", "--version")


def _complain(message: str, code: int) -> int:
    print(f"racro-eval: {printable(message)}", file=sys.stderr)
    return code
