"""`racro-eval show`: the exact text and images that a model will receive."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from racro_eval.cli.arguments import (
    add_data_arguments,
    add_question_style_argument,
    go_offline,
)
from racro_eval.cli.output import printable

if TYPE_CHECKING:
    from racro_eval.data import Sample

HELP = "show one row of a benchmark, or the prompts made from it"

_CAPTION = "<the caption>"
_TENTATIVE = "<the tentative answer>"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: what to show, and of which row."""
    parser.add_argument("what", choices=["sample", "prompt"], help="the row, or its prompts")
    parser.add_argument("--data", required=True, metavar="NAME", help="benchmark")
    parser.add_argument("--index", required=True, metavar="I", help="the row's index")
    parser.add_argument("--prompts", default="racro", metavar="SET", help="prompt set")
    add_question_style_argument(parser)
    add_data_arguments(parser)


def execute(args: argparse.Namespace) -> int:
    """Print the row or its prompts."""
    from racro_eval.data import load_benchmark

    offline = go_offline(args)
    benchmark = load_benchmark(
        args.data,
        data_root=getattr(args, "data_root", None),
        offline=offline,
        question_style=getattr(args, "question_style", "racro"),
    )
    sample = benchmark[args.index]
    if args.what == "sample":
        _show_sample(sample)
    else:
        _show_prompts(sample, args.prompts)
    return 0


def _heading(text: str) -> None:
    print(f"── {text} " + "─" * max(0, 76 - len(text)))


def _show_sample(sample: Sample) -> None:
    _heading(f"index {printable(sample.index)}")
    print(printable(sample.question))
    for letter, text in sample.options.items():
        print(f"option {letter}: {printable(text)}")
    print(f"answer: {printable(sample.answer)}")
    for name, value in sample.meta.items():
        print(f"{name}: {printable(value)}")
    _show_images(sample)


def _show_images(sample: Sample) -> None:
    from racro_eval.data.images import decode, digest
    from racro_eval.errors import DataError

    for number, image in enumerate(sample.images, start=1):
        try:
            width, height = decode(image).size
            facts = f"{width} x {height} pixels, sha256 {digest(image)[:16]}"
        except DataError as error:
            facts = str(error)
        print(f"image {number}: {printable(image.name)}: {printable(facts)}")


def _show_prompts(sample: Sample, name: str) -> None:
    from racro_eval.prompting import ROLES, load_prompts
    from racro_eval.stages.prompts import role_messages

    prompts = load_prompts(name)
    for role in ROLES:
        messages = role_messages(sample, prompts, role, caption=_CAPTION, tentative=_TENTATIVE)
        sees = len(sample.images) if role in ("caption", "generic_caption", "tentative") else 0
        for message in messages:
            shown = f", after {sees} image(s)" if sees and message.role == "user" else ""
            _heading(f"{role}: {message.role}{shown}")
            print(printable(message.content))
