"""The command line. One module per command; a command's imports happen when it is run."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from racro_eval.cli.output import OutputError, guard_tracebacks, printable, standard_streams
from racro_eval.cli.parser import build_parser
from racro_eval.common import redaction
from racro_eval.common.interrupts import (
    TERMINATING_SIGNALS,
    block_signals_at_exit,
    caused_by_interrupt,
    exit_on_signal,
    handling,
)
from racro_eval.common.system_errors import to_racro_error

INTERRUPTED = 130
INTERNAL_ERROR = 70
"""The exit code of a bug, as in sysexits.h."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (default: the process's own) and give the exit code.

    0 done; 1 done, but too many rows failed; 2 usage or configuration; 3 something is missing;
    130 interrupted, by Ctrl-C, SIGTERM or a terminal that is closed.
    """
    if argv is None:
        block_signals_at_exit()
    code = INTERRUPTED
    try:
        with handling(*TERMINATING_SIGNALS):
            try:
                with standard_streams():
                    code = _run(list(sys.argv[1:] if argv is None else argv))
            finally:
                if argv is None:
                    exit_on_signal(code)
    except KeyboardInterrupt:  # before the first line of a command, or after its last
        return _complain_of_interrupt()
    return code


def _run(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    try:
        return _execute(arguments)
    except KeyboardInterrupt:
        return _complain_of_interrupt()
    except Exception as error:
        if caused_by_interrupt(error):
            return _complain_of_interrupt()
        if isinstance(error, OutputError) and error.nobody_reads:
            return 0
        if debug:
            raise
        problem = to_racro_error(error)
        return _complain(str(problem), problem.exit_code)


def _execute(arguments: list[str]) -> int:
    if arguments and arguments[0].startswith("-") and not _asks_for_help(arguments[0]):
        arguments.insert(0, "run")
    redaction.learn(arguments)
    guard_tracebacks()
    try:
        args = build_parser().parse_args(arguments)
        code: int = args.execute(args)
    finally:
        sys.stdout.flush()  # of --help too, which ends by SystemExit
    return code


def _asks_for_help(argument: str) -> bool:
    return argument in ("-h", "--help", "--version")


def _complain_of_interrupt() -> int:
    return _complain(
        "Interrupted. Everything finished so far is on disk; the same command goes on from it.",
        INTERRUPTED,
    )


def _complain(message: str, code: int) -> int:
    print(f"racro-eval: {printable(message)}", file=sys.stderr)
    return code
