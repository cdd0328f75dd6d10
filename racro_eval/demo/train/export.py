"""From a trained model to a folder for transformers and vLLM."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast

from racro_eval.demo.pictures import SIZE
from racro_eval.demo.train.batches import MEAN, STD
from racro_eval.demo.train.loop import Progress
from racro_eval.demo.train.recipes import Recipe

_IMAGE_PROCESSOR = {
    "image_processor_type": "Qwen2VLImageProcessor",
    "processor_class": "Qwen2_5_VLProcessor",
    "min_pixels": 28 * 28,
    "max_pixels": SIZE * SIZE,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": MEAN,
    "image_std": STD,
}
"""As in Qwen's own models, with the pictures' size as the limit."""

_CARD = """---
license: apache-2.0
pipeline_tag: {task}
---

# demo-{name}

A {family} of {weights:,} weights.
It {summary}.
It was trained from nothing on drawn, synthetic problems and knows nothing else: it is there to run
a real pipeline on any machine in a minute.

- Made by `python -m racro_eval.demo.train --only {name}`:
  {steps} steps of {batch} lessons, seed {seed}, loss {loss:.4f} at the end, {cpu:.1f} CPU-minutes.
- Stored in float16; compute in float32.
- Prompts, figures and limits: `docs/demo.md` of racro-eval.
"""


def export(
    model: Any, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, progress: Progress, folder: Path
) -> None:
    """Write weights (float16), config, tokenizer, chat template, processor and model card."""
    folder.mkdir(parents=True, exist_ok=True)
    model.half().eval()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # warnings of transformers about saving are not for the user
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # it is written with permissions for its owner only
    _edit(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    _make_portable(folder / "config.json")
    eos, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    _write(folder / "generation_config.json", {"eos_token_id": eos, "pad_token_id": pad})
    vision = hasattr(model.config, "vision_config")
    if vision:
        _write(folder / "preprocessor_config.json", _IMAGE_PROCESSOR)
    card = _CARD.format(
        name=recipe.name,
        task="image-text-to-text" if vision else "text-generation",
        family="Qwen2.5-VL" if vision else "Qwen2",
        weights=sum(p.numel() for p in model.parameters()),
        summary=recipe.summary,
        steps=progress.steps,
        batch=recipe.batch_size,
        seed=recipe.seed,
        loss=progress.loss,
        cpu=progress.cpu_s / 60,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
    model.to(torch.float32)


def _make_portable(path: Path) -> None:
    """Change what this version of transformers writes into a config but others cannot use."""
    config = json.loads(path.read_text(encoding="utf-8"))
    # the weights are stored in float16, but engines that follow the config compute in float32
    config["dtype"] = "float32"
    # the default values, under a name that other versions do not know
    config.get("vision_config", {}).pop("rope_parameters", None)
    _write(path, config)


def _edit(path: Path, **values: Any) -> None:
    _write(path, json.loads(path.read_text(encoding="utf-8")) | values)


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
