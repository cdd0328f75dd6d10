"""The training loop: AdamW, a warm-up, a cosine schedule, checkpoints."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from racro_eval.demo.train.batches import Batches
from racro_eval.demo.train.forward import loss

WARM_UP = 100
"""Steps until the learning rate is at its peak."""
LAST_RATE = 0.02
"""The learning rate at the end, as a share of the peak."""
DECAY = 0.02
"""The weight decay of matrices."""
CLIP = 1.0
"""The limit of a gradient's norm."""
SAVE_EVERY = 200


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a training. loss: a moving average over about the last hundred steps."""

    steps: int = 0
    loss: float = math.nan
    cpu_s: float = 0.0


def rate_at(step: int, steps: int, peak: float) -> float:
    """The learning rate of a step: a linear warm-up, then half a cosine."""
    warm_up = min(WARM_UP, steps)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return peak * (LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * done)) / 2)


def train(
    model: Any, batches: Batches, steps: int, peak: float, checkpoint: Path, name: str
) -> Progress:
    """Train a model in place, on its own device, up to a number of steps.

    checkpoint: written every 200 steps and at the end. If it exists, the training resumes from it.
    """
    optimizer = _optimizer(model)
    progress = _resume(checkpoint, model, optimizer)
    bar = tqdm(total=steps, initial=progress.steps, desc=name, file=sys.stderr, mininterval=5)
    for step in range(progress.steps, steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, steps, peak)
        started = time.process_time()
        value = _step(model, optimizer, batches, step)
        before = value if math.isnan(progress.loss) else progress.loss
        progress = Progress(
            step + 1,
            0.99 * before + 0.01 * value,
            progress.cpu_s + time.process_time() - started,
        )
        bar.update()
        bar.set_postfix(loss=f"{progress.loss:.4f}", refresh=False)
        if progress.steps % SAVE_EVERY == 0 or progress.steps == steps:
            _save(checkpoint, model, optimizer, progress)
    bar.close()
    return progress


def _step(model: Any, optimizer: torch.optim.Optimizer, batches: Batches, step: int) -> float:
    """One step. Returns the loss before it."""
    value = loss(model, batches[step].to(model.device))
    optimizer.zero_grad()
    value.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()
    return float(value.detach())


def _optimizer(model: Any) -> torch.optim.Optimizer:
    """AdamW, without weight decay for norms and biases."""
    parameters = list(model.parameters())
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": DECAY},
            {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0},
        ],
        betas=(0.9, 0.98),
        fused=True,
    )


def _save(path: Path, model: Any, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
    """Write a checkpoint through a second file, so that a kill leaves the old or the new one."""
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "progress": (progress.steps, progress.loss, progress.cpu_s),
    }
    unfinished = path.with_suffix(".part")
    torch.save(state, unfinished)
    unfinished.replace(path)


def _resume(path: Path, model: Any, optimizer: torch.optim.Optimizer) -> Progress:
    if not path.is_file():
        return Progress()
    state = torch.load(path, map_location=model.device, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return Progress(*state["progress"])
