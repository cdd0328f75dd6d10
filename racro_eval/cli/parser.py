"""The parser of all commands. Building it imports nothing that only running a command needs."""

from __future__ import annotations

import argparse
from typing import NoReturn

from rich_argparse import RichHelpFormatter

from racro_eval.cli import data, doctor, grade, leaderboard, list_, merge, run, show
from racro_eval.common.printable import printable

COMMANDS = {
    "run": run,
    "list": list_,
    "show": show,
    "data": data,
    "merge": merge,
    "grade": grade,
    "leaderboard": leaderboard,
    "doctor": doctor,
}

_DESCRIPTION = (
    "Evaluate decoupled multimodal reasoning: an MLLM writes a caption and a tentative answer for "
    "each image question, a text-only reasoner reads both, and its boxed answer is graded with "
    "symbolic maths. An argument list that begins with an option means `run`."
)


class _Version(argparse.Action):
    """Prints the version, which is read only then, to keep the start fast."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from racro_eval.store.provenance import version

        print(f"racro-eval {version()}")
        parser.exit()


class _Parser(argparse.ArgumentParser):
    """A parser whose error messages are safe to show, as they repeat the command line."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def build_parser() -> argparse.ArgumentParser:
    """The parser; the parsed namespace has `execute`, the command's function, and `debug`."""
    parser = _Parser(prog="racro-eval", description=_DESCRIPTION, formatter_class=RichHelpFormatter)
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name, help=module.HELP, description=module.HELP, formatter_class=RichHelpFormatter
        )
        command.add_argument("--debug", action="store_true", help="show tracebacks")
        module.add_arguments(command)
        command.set_defaults(execute=module.execute)
    return parser
