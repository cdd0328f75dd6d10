"""Training the demo's models: its arithmetic is transformers' own, it learns, and it resumes."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from racro_eval.demo.problems import render
from racro_eval.demo.train.batches import IMAGE_TOKENS, Batches
from racro_eval.demo.train.forward import hidden_states, in_token_order, loss
from racro_eval.demo.train.lessons import captioner_lesson
from racro_eval.demo.train.loop import LAST_RATE, WARM_UP, Progress, rate_at, train
from racro_eval.demo.train.recipes import RECIPES
from racro_eval.demo.train.tokenizer import IMAGE, build_tokenizer

pytestmark = pytest.mark.model

TOKENIZER = build_tokenizer()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As in training; on a busy machine, two threads wait for each other most of the time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def sharpened(name: str) -> Any:
    """A random model whose attention and norms are far from uniform, so that a slip shows."""
    model = RECIPES[name].build(TOKENIZER, 3)
    torch.manual_seed(4)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(3)
            else:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def their_inputs(ids: torch.Tensor, picture: Any) -> dict[str, torch.Tensor]:
    """transformers' inputs for one row without padding."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    processor = Qwen2VLImageProcessorPil(min_pixels=28 * 28, max_pixels=112 * 112)
    image = ids == TOKENIZER.convert_tokens_to_ids(IMAGE)
    return {
        **processor(images=[picture], return_tensors="pt"),
        "mm_token_type_ids": image.int(),
    }


@pytest.mark.parametrize("name", RECIPES)
def test_the_forward_pass_is_that_of_transformers(name: str) -> None:
    model = sharpened(name)
    recipe = replace(RECIPES[name], batch_size=3)
    pictures = []

    def noted(rng: random.Random, done: float) -> Any:
        lesson = recipe.lesson(rng, done)
        pictures.append((lesson.target, render(lesson.problem)))
        return lesson

    batch = Batches(TOKENIZER, noted, 3, 100, "a seed", prompt_weight=0.0)[0]
    with torch.no_grad():
        ours = hidden_states(model, batch) @ model.get_input_embeddings().weight.T
        for row, (ids, weights) in enumerate(zip(batch.ids, batch.weights, strict=True)):
            end = int(weights.nonzero().max()) + 1
            answer = TOKENIZER.decode(ids[weights > 0][:-1])
            alone = ids[None, :end]
            picture = next(image for target, image in pictures if target == answer)
            extra = their_inputs(alone, picture) if batch.patches is not None else {}
            theirs = model(alone, attention_mask=torch.ones_like(alone), **extra).logits[0]
            torch.testing.assert_close(ours[row, :end], theirs, atol=1e-4, rtol=1e-4)


def test_the_loss_is_the_mean_over_what_is_learnt() -> None:
    model = sharpened("reasoner-weak")
    batch = Batches(TOKENIZER, RECIPES["reasoner-weak"].lesson, 3, 100, "a seed", 0.5)[0]
    with torch.no_grad():
        logits = hidden_states(model, batch) @ model.get_input_embeddings().weight.T
        total, weight = 0.0, 0.0
        for row in range(3):
            for at in range(1, batch.ids.shape[1]):
                log = logits[row, at - 1].log_softmax(-1)[batch.ids[row, at]]
                total -= float(log * batch.weights[row, at])
                weight += float(batch.weights[row, at])
        assert float(loss(model, batch)) == pytest.approx(total / weight, rel=1e-4)


def test_patches_in_the_order_of_image_tokens() -> None:
    numbers = in_token_order(torch.arange(64).view(8, 8))
    assert numbers.shape == (IMAGE_TOKENS, 4)
    assert numbers[:2].tolist() == [[0, 1, 8, 9], [2, 3, 10, 11]]
    assert numbers[4].tolist() == [16, 17, 24, 25]


def test_the_learning_rate() -> None:
    assert rate_at(WARM_UP, 1000, 2.0) == pytest.approx(2.0)
    assert rate_at(0, 1000, 2.0) == pytest.approx(2.0 / WARM_UP)
    assert rate_at(999, 1000, 2.0) == pytest.approx(2.0 * LAST_RATE, rel=1e-2)
    assert rate_at(0, 1, 2.0) == 2.0


def test_training_learns_and_resumes_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("racro_eval.demo.train.loop.SAVE_EVERY", 5)
    recipe = replace(RECIPES["reasoner-weak"], batch_size=4, steps=30)

    def trained(checkpoint: Path, *, killed_after: int | None = None) -> tuple[Any, Progress]:
        model = recipe.build(TOKENIZER, 1)
        batches = recipe.batches(TOKENIZER)
        if killed_after is not None:
            batches = _Killing(batches, killed_after)
        return model, train(model, batches, 30, 5e-3, checkpoint, "test")

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "killed.pt", killed_after=17)
    resumed, progress = trained(tmp_path / "killed.pt")
    straight, same = trained(tmp_path / "straight.pt")
    assert (progress.steps, progress.loss) == (same.steps, same.loss) == (30, same.loss)
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    batch = recipe.batches(TOKENIZER)[0]
    before = float(loss(recipe.build(TOKENIZER, 1), batch).detach())
    assert float(loss(straight, batch).detach()) < 0.7 * before


class _Killing(Batches):
    """Batches that end with a key press."""

    def __init__(self, batches: Batches, after: int) -> None:
        self._batches, self._after = batches, after

    def __getitem__(self, number: int) -> Any:
        if number == self._after:
            raise KeyboardInterrupt
        return self._batches[number]


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_the_command_writes_a_model_folder(name: str, tmp_path: Path) -> None:
    """A few steps; `test_shipped_models.py` has the pipeline run what the whole training made."""
    command = [sys.executable, "-m", "racro_eval.demo.train", "--out", str(tmp_path)]
    command += ["--only", name, "--steps-scale", str(3 / RECIPES[name].steps)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert f"{name}: 3 steps, loss " in done.stdout
    assert {path.name for path in (tmp_path / name).iterdir()} >= {
        "README.md", "config.json", "generation_config.json", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    from transformers import AutoConfig, AutoTokenizer

    assert AutoConfig.from_pretrained(tmp_path / name).get_text_config().eos_token_id == 2
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / name)
    text = "How many red shapes are in the picture? \u00e9\n  x"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_lessons_differ() -> None:
    rng = random.Random(1)
    assert len({captioner_lesson(rng, 0.0).target for _ in range(100)}) > 80
