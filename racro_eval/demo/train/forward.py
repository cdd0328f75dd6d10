"""The forward pass of Qwen2 and Qwen2.5-VL over the parameters of transformers' own models.

It computes the same as theirs (a test compares the two) and is several times faster for small
models on a CPU, because it is specialised for this training:

- every picture is 112x112 pixels and comes first in the user's turn, so the vision tower runs on
  the whole batch at once and all positions have closed forms;
- rows are padded on the right and no token attends to later ones, so the causal mask is enough;
- logits are computed only for tokens with a weight in the loss;
- attention is two plain matrix products, because for such short rows the backward pass of the fused
  kernel is slower.

Shapes: B rows, T tokens, P=64 patches a picture, V=16 image tokens, H hidden, D=32 channels a head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from racro_eval.demo.train.batches import Batch
from racro_eval.demo.train.models import HEAD, MROPE_SECTION

GRID = 8
"""Patches per side of a picture."""
MERGE = 2
"""Patches per side of an image token."""
TOKENS = (GRID // MERGE) ** 2
_THETA = 10000.0

Rotation = tuple[Tensor, Tensor]
"""Cosines and sines of the rotary embedding, each [B or 1, 1, length, D]."""


def loss(model: Any, batch: Batch) -> Tensor:
    """The mean cross-entropy of the tokens, by their weights."""
    states = hidden_states(model, batch)[:, :-1]
    weights = batch.weights[:, 1:]  # the state of a token predicts the next one
    learned = weights > 0
    logits = states[learned] @ model.get_input_embeddings().weight.T  # embeddings are tied
    losses = F.cross_entropy(logits, batch.ids[:, 1:][learned], reduction="none")
    return (losses * weights[learned]).sum() / weights.sum()


def hidden_states(model: Any, batch: Batch) -> Tensor:
    """The last hidden states of the text model, [B, T, H], for the output embedding."""
    length = batch.ids.shape[1]
    states = model.get_input_embeddings()(batch.ids)
    if batch.patches is None or batch.starts is None:
        text = model.model
        rotation = _rotation(torch.arange(length, device=states.device)[None])
    else:
        text = model.model.language_model
        places = batch.starts[:, None] + torch.arange(TOKENS, device=states.device)
        rows = torch.arange(len(places), device=states.device)[:, None]
        states = states.index_put((rows, places), image_tokens(model.model.visual, batch.patches))
        rotation = _rotation_around_images(batch.starts, length)
    mask = torch.full((length, length), float("-inf"), device=states.device).triu(1)
    for layer in text.layers:
        states = states + _attend(
            layer.self_attn, _norm(layer.input_layernorm, states), rotation, mask
        )
        states = states + _mlp(layer.mlp, _norm(layer.post_attention_layernorm, states))
    return _norm(text.norm, states)


def image_tokens(visual: Any, patches: Tensor) -> Tensor:
    """From patches [B, P, 588] to image tokens [B, V, H] by Qwen2.5-VL's vision tower.

    An image is its own second frame, so the kernels of the two frames can be added.
    """
    kernel = visual.patch_embed.proj.weight.sum(dim=2).flatten(1)
    states = patches @ kernel.T
    rotation = _patch_rotation(states.device)
    for block in visual.blocks:
        states = states + _attend_patches(block.attn, _norm(block.norm1, states), rotation)
        states = states + _mlp(block.mlp, _norm(block.norm2, states))
    merged = _norm(visual.merger.ln_q, states).unflatten(1, (TOKENS, -1)).flatten(2)
    tokens: Tensor = visual.merger.mlp(merged)
    return tokens


def _norm(module: Any, states: Tensor) -> Tensor:
    return F.rms_norm(states, module.weight.shape, module.weight, module.variance_epsilon)


def _mlp(module: Any, states: Tensor) -> Tensor:
    inner = F.silu(module.gate_proj(states)) * module.up_proj(states)
    result: Tensor = module.down_proj(inner)
    return result


def _attend(module: Any, states: Tensor, rotation: Rotation, mask: Tensor) -> Tensor:
    """Causal attention within each row, [B, T, H] → [B, T, H]."""
    query, key, value = (
        _heads(project(states)) for project in (module.q_proj, module.k_proj, module.v_proj)
    )
    mixed: Tensor = module.o_proj(_mix(query, key, value, rotation, mask))
    return mixed


def _attend_patches(module: Any, states: Tensor, rotation: Rotation) -> Tensor:
    """Attention among all patches of a picture, [B, P, width] → [B, P, width]."""
    query, key, value = (_heads(part) for part in module.qkv(states).chunk(3, dim=-1))
    mixed: Tensor = module.proj(_mix(query, key, value, rotation, None))
    return mixed


def _heads(states: Tensor) -> Tensor:
    """[B, length, heads x D] → [B, heads, length, D]."""
    return states.unflatten(-1, (-1, HEAD)).transpose(1, 2)


def _mix(
    query: Tensor, key: Tensor, value: Tensor, rotation: Rotation, mask: Tensor | None
) -> Tensor:
    """Softmax attention over heads [B, heads, length, D] → [B, length, heads x D]."""
    query, key = _rotate(query, rotation), _rotate(key, rotation)
    scores = query @ key.transpose(-1, -2) * HEAD**-0.5
    if mask is not None:
        scores = scores + mask
    return (scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)


def _rotate(states: Tensor, rotation: Rotation) -> Tensor:
    """Rotate channels i and i + D/2 of every head as a point of a plane."""
    cosines, sines = rotation
    first, second = states.chunk(2, dim=-1)
    return states * cosines + torch.cat((-second, first), dim=-1) * sines


def _frequencies(channels: int, device: torch.device) -> Tensor:
    return _THETA ** -(torch.arange(channels, device=device) / channels)


def _rotation(positions: Tensor) -> Rotation:
    """The rotation for positions [B, T], or [B, T, D/2] if channels have their own positions."""
    if positions.dim() == 2:
        positions = positions[..., None]
    angles = positions * _frequencies(HEAD // 2, positions.device)
    angles = torch.cat((angles, angles), dim=-1)[:, None]
    return angles.cos(), angles.sin()


def _rotation_around_images(starts: Tensor, length: int) -> Rotation:
    """Positions of text with one image that starts at `starts` [B].

    An image token has the time of the image's start, and a row and a column relative to it. An
    image takes as many positions as it has rows; the text after it continues from there.
    """
    side = GRID // MERGE
    start = starts[:, None]
    index = torch.arange(length, device=starts.device)[None]
    offset = index - start
    inside = (offset >= 0) & (offset < TOKENS)
    plain = torch.where(offset >= TOKENS, index - TOKENS + side, index)
    time = torch.where(inside, start, plain)
    row = torch.where(inside, start + offset // side, plain)
    column = torch.where(inside, start + offset % side, plain)
    parts = zip((time, row, column), MROPE_SECTION, strict=True)
    return _rotation(
        torch.cat([axis[..., None].expand(-1, -1, channels) for axis, channels in parts], dim=-1)
    )


def _patch_rotation(device: torch.device) -> Rotation:
    """The rotation of patches: half of the channels by the row, the others by the column.

    Patches are in the order of image tokens: the four of a token follow each other.
    """
    side = torch.arange(GRID, device=device)
    rows, columns = torch.meshgrid(side, side, indexing="ij")
    frequencies = _frequencies(HEAD // 4, device)
    angles = [in_token_order(axis).flatten()[:, None] * frequencies for axis in (rows, columns)]
    both = torch.cat((*angles, *angles), dim=-1)[None, None]
    return both.cos(), both.sin()


def in_token_order(raster: Tensor) -> Tensor:
    """A grid of patches [8, 8, ...] as [V, 4, ...]: a row per image token."""
    side = GRID // MERGE
    blocks = raster.unflatten(1, (side, MERGE)).unflatten(0, (side, MERGE))
    return blocks.transpose(1, 2).flatten(2, 3).flatten(0, 1)
