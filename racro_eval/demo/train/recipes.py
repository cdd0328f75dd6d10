"""What each model learns, and for how long."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from racro_eval.demo.train.batches import Batches
from racro_eval.demo.train.lessons import Lesson, captioner_lesson, reasoner_lesson
from racro_eval.demo.train.models import build_captioner, build_reasoner, build_weak_reasoner


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one model is made.

    rate: the peak of the learning rate. prompt_weight: of a prompt's tokens in the loss. A reasoner
    that predicts its prompt, where the tentative response repeats the caption, learns to copy.
    """

    name: str
    summary: str
    build: Callable[[PreTrainedTokenizerFast, int], PreTrainedModel]
    lesson: Callable[[random.Random, float], Lesson]
    steps: int
    batch_size: int
    rate: float
    prompt_weight: float = 0.0
    seed: int = 1

    def batches(self, tokenizer: PreTrainedTokenizerFast) -> Batches:
        """This recipe's batches.

        Their seed is a text, so the problems of benchmarks, whose seeds are numbers, stay unseen.
        """
        seed = f"{self.name} {self.seed}"
        return Batches(
            tokenizer, self.lesson, self.batch_size, self.steps, seed, self.prompt_weight
        )


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "captioner",
            "writes captions of the Demo benchmark's pictures, and guesses at answers",
            build_captioner,
            captioner_lesson,
            steps=5000,
            batch_size=32,
            rate=1.5e-3,
        ),
        Recipe(
            "reasoner",
            "answers the Demo benchmark's questions from captions and tentative answers",
            build_reasoner,
            reasoner_lesson,
            steps=5500,
            batch_size=32,
            rate=1.5e-3,
            prompt_weight=0.2,
        ),
        Recipe(
            "reasoner-weak",
            "answers the same questions as demo-reasoner, and errs more often",
            build_weak_reasoner,
            reasoner_lesson,
            steps=3000,
            batch_size=32,
            rate=2e-3,
            prompt_weight=0.2,
        ),
    )
}
