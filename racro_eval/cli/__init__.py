"""The command line. One module per command; a command imports what it needs when it runs."""

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


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (default: that of the process) and return the exit code.

    0: done. 1: done, but too many rows failed. 2: invalid usage or configuration. 3: something is
    missing. 70: a bug. 130: interrupted by Ctrl-C, SIGTERM or a closed terminal.
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
        return _report_interrupt()
    return code


def _run(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    try:
        return _execute(arguments)
    except KeyboardInterrupt:
        return _report_interrupt()
    except Exception as error:
        if caused_by_interrupt(error):
            return _report_interrupt()
        if isinstance(error, OutputError) and error.is_broken_pipe:
            return 0
        if debug:
            raise
        converted = to_racro_error(error)
        return _report(str(converted), converted.exit_code)


def _execute(arguments: list[str]) -> int:
    if arguments and arguments[0].startswith("-") and not _is_help_option(arguments[0]):
        arguments.insert(0, "run")
    redaction.learn(arguments)
    guard_tracebacks()
    try:
        args = build_parser().parse_args(arguments)
        code: int = args.execute(args)
    finally:
        sys.stdout.flush()  # also after --help, which raises SystemExit
    return code


def _is_help_option(argument: str) -> bool:
    return argument in ("-h", "--help", "--version")


def _report_interrupt() -> int:
    return _report(
        "Interrupted. All finished rows are on disk; the same command continues from them.",
        INTERRUPTED,
    )


def _report(message: str, code: int) -> int:
    print(f"racro-eval: {printable(message)}", file=sys.stderr)
    return code
