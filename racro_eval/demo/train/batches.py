"""From lessons to tensors.

Batch n depends only on the recipe's seed and n, so an interrupted training continues with the same
batches.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from racro_eval.demo.pictures import SIZE
from racro_eval.demo.problems import render
from racro_eval.demo.train.lessons import Lesson
from racro_eval.demo.train.tokenizer import IMAGE
from racro_eval.engines.chat import chat

POOL = 8
"""How many batches are made together: their rows are sorted by length, for little padding."""
IMAGE_TOKENS = 16
PATCH = 14
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Mean and standard deviation of the three colours, as in the preprocessing of Qwen-VL."""


@dataclass(frozen=True, slots=True)
class Batch:
    """B rows of T tokens, padded on the right.

    ids: [B, T]. weights: [B, T], of each token in the loss; 0 for padding.
    patches: [B, 64, 588] or None without pictures. starts: [B], each row's first image token.
    """

    ids: Tensor
    weights: Tensor
    patches: Tensor | None = None
    starts: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        moved = (x if x is None else x.to(device) for x in (self.patches, self.starts))
        return Batch(self.ids.to(device), self.weights.to(device), *moved)


@dataclass(frozen=True, slots=True)
class _Row:
    lesson: Lesson
    prompt: list[int]
    answer: list[int]

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.answer)


class Batches:
    """An endless sequence of batches: `batches[n]` is the n-th.

    make_lesson: takes a random stream and the share of the training that is over.
    steps: the number of batches of the training.
    prompt_weight: the weight of a prompt's tokens in the loss; an answer's tokens have 1.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        make_lesson: Callable[[random.Random, float], Lesson],
        size: int,
        steps: int,
        seed: str,
        prompt_weight: float = 0.0,
    ) -> None:
        self._tokenizer = tokenizer
        self._make_lesson = make_lesson
        self._size = size
        self._steps = steps
        self._seed = seed
        self._prompt_weight = prompt_weight
        self._image = tokenizer.convert_tokens_to_ids(IMAGE)
        self._pool: tuple[int, list[list[_Row]]] = (-1, [])

    def __getitem__(self, number: int) -> Batch:
        pool, place = divmod(number, POOL)
        if self._pool[0] != pool:
            self._pool = (pool, self._make_pool(pool))
        return self._batch(self._pool[1][place])

    def _make_pool(self, pool: int) -> list[list[_Row]]:
        rng = random.Random(f"{self._seed} {pool}")
        done = pool * POOL / self._steps
        rows = [self._row(self._make_lesson(rng, done)) for _ in range(POOL * self._size)]
        rows.sort(key=lambda row: row.length)
        batches = [rows[at : at + self._size] for at in range(0, len(rows), self._size)]
        rng.shuffle(batches)
        return batches

    def _row(self, lesson: Lesson) -> _Row:
        prompt = prompt_ids(self._tokenizer, lesson)
        answer = self._tokenizer(lesson.target + str(self._tokenizer.eos_token))["input_ids"]
        return _Row(lesson, prompt, answer)

    def _batch(self, rows: Sequence[_Row]) -> Batch:
        length = max(row.length for row in rows)
        ids = torch.full((len(rows), length), int(self._tokenizer.pad_token_id))
        weights = torch.zeros(len(rows), length)
        for line, row in enumerate(rows):
            start, end = len(row.prompt), row.length
            ids[line, :end] = torch.tensor(row.prompt + row.answer)
            weights[line, 1:start] = self._prompt_weight
            weights[line, start:end] = 1.0
        if not rows[0].lesson.seen:
            return Batch(ids, weights)
        starts = torch.tensor([row.prompt.index(self._image) for row in rows])
        return Batch(ids, weights, picture_patches([row.lesson for row in rows]), starts)


def prompt_ids(tokenizer: PreTrainedTokenizerFast, lesson: Lesson) -> list[int]:
    """The tokens of the chat by the template; the picture comes first in the user's turn."""
    placeholders = [{"type": "image"}] if lesson.seen else []
    conversation = chat(lesson.messages, placeholders, always_parts=True)
    text = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
    text = str(text).replace(IMAGE, IMAGE * IMAGE_TOKENS)
    ids: list[int] = tokenizer(text)["input_ids"]
    return ids


def picture_patches(lessons: Sequence[Lesson]) -> Tensor:
    """The lessons' pictures as normalised patches, [B, 64, 588], four per image token."""
    pixels = np.stack([np.asarray(render(lesson.problem), np.float32) for lesson in lessons]) / 255
    pixels = (pixels - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    side = SIZE // PATCH // 2
    # row: token, patch within it, pixel within that; column likewise; colour
    blocks = pixels.reshape(len(lessons), side, 2, PATCH, side, 2, PATCH, 3)
    ordered = blocks.transpose(0, 1, 4, 2, 5, 7, 3, 6)
    return torch.from_numpy(
        ordered.reshape(len(lessons), 4 * side * side, 3 * PATCH * PATCH).copy()
    )
