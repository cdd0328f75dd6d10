"""`python -m racro_eval.demo.train`: train the demo's three models from random weights."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
import transformers

from racro_eval.demo.train.export import export
from racro_eval.demo.train.loop import Progress, train
from racro_eval.demo.train.recipes import RECIPES, Recipe
from racro_eval.demo.train.tokenizer import build_tokenizer


def main() -> None:
    """Train, write the folders, and print what the models score on the Demo benchmark."""
    arguments = _parser().parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    names = [arguments.only] if arguments.only else list(RECIPES)
    for name in names:
        progress = make(RECIPES[name], arguments.out, arguments.steps_scale)
        print(
            f"{name}: {progress.steps} steps, loss {progress.loss:.4f}, "
            f"{progress.cpu_s / 60:.1f} CPU-minutes"
        )
    if all((arguments.out / name / "config.json").is_file() for name in RECIPES):
        from racro_eval.demo.train.evaluate import evaluate

        print(evaluate(arguments.out))


def make(recipe: Recipe, out: Path, steps_scale: float = 1.0) -> Progress:
    """Train one model and write its folder `out/<name>`; its checkpoint is in `out/checkpoints`.

    An interrupted training continues from its checkpoint.
    """
    # a second thread would make steps of this size slower; another model can use that core
    torch.set_num_threads(1)
    tokenizer = build_tokenizer()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = recipe.build(tokenizer, recipe.seed).to(device)
    checkpoints = out / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    recipe = replace(recipe, steps=max(1, round(recipe.steps * steps_scale)))
    checkpoint = checkpoints / f"{recipe.name}.pt"
    batches = recipe.batches(tokenizer)
    progress = train(model, batches, recipe.steps, recipe.rate, checkpoint, recipe.name)
    export(model, tokenizer, recipe, progress, out / recipe.name)
    return progress


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m racro_eval.demo.train", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("demo-models"), help="folder to write (%(default)s)"
    )
    parser.add_argument("--only", choices=list(RECIPES), help="one model instead of all three")
    parser.add_argument(
        "--steps-scale",
        type=float,
        default=1.0,
        help="factor for the number of steps, e.g. 0.01 for a trial",
    )
    return parser


if __name__ == "__main__":
    main()
