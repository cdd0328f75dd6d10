"""Sampling each row of a batch by its own settings, independently of the rest of the batch.

`generate` has one temperature and one random state for a whole batch. Therefore it runs greedily,
and the sampling happens in the logits: noise from the row's own generator is added, and the highest
sum is a sample from the row's distribution (the Gumbel-max trick).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from racro_eval.engines.base import Sampling


class RowSampler:
    """A logits processor that applies the i-th sampling to row i of the scores.

    The order is that of vLLM: repetition penalty over prompt and answer, temperature, top_k, top_p,
    sampling. For a row of temperature 0 only the penalty applies, so it stays greedy. A row without
    a seed gets a random one.
    """

    def __init__(self, samplings: Sequence[Sampling], attention_mask: torch.Tensor) -> None:
        """attention_mask: (rows, prompt tokens), 0 for the padding to the left of a prompt."""
        self._samplings = tuple(samplings)
        self._starts = (attention_mask == 0).sum(dim=1).tolist()
        self._generators = [_generator(s, attention_mask.device) for s in samplings]
        self._finite_steps = torch.zeros(
            len(self._samplings), dtype=torch.long, device=attention_mask.device
        )
        """Steps of each row before the first one whose scores contain NaN."""
        self._has_nan = torch.zeros_like(self._finite_steps, dtype=torch.bool)
        self._keeps_logprobs = any(sampling.logprobs for sampling in samplings)
        self._logprobs: list[torch.Tensor] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Change the scores (rows, vocabulary) of the next token in place, and return them."""
        self._has_nan |= scores.isnan().any(dim=1)
        self._finite_steps += ~self._has_nan
        logprobs = scores.log_softmax(dim=-1) if self._keeps_logprobs else None
        rows = zip(self._samplings, self._starts, self._generators, strict=True)
        for row, (sampling, start, generator) in enumerate(rows):
            logits = scores[row]
            if sampling.repetition_penalty != 1:
                # without the padding, which is no part of the prompt
                logits = _penalised(logits, input_ids[row, start:], sampling.repetition_penalty)
            if generator is not None:
                logits = _filtered(logits / sampling.temperature, sampling.top_k, sampling.top_p)
                # exponential_ never returns 0, so the noise is finite and minus infinity stays
                logits = logits - torch.empty_like(logits).exponential_(generator=generator).log_()
            scores[row] = logits
        if logprobs is not None:
            self._logprobs.append(logprobs.gather(1, scores.argmax(dim=-1, keepdim=True)))
        return scores

    def is_finite(self, row: int, length: int) -> bool:
        """Whether none of the scores for the row's first `length` tokens was NaN."""
        return int(self._finite_steps[row]) >= length

    def logprobs(self, row: int, length: int) -> tuple[float, ...] | None:
        """The log-probabilities of the row's first `length` tokens, if they were asked for."""
        if not self._samplings[row].logprobs:
            return None
        return tuple(step[row].item() for step in self._logprobs[:length])


class RowLimits:
    """A stopping criterion: row i is done after limits[i] new tokens."""

    def __init__(self, prompt_length: int, limits: Sequence[int], device: torch.device) -> None:
        self._ends = prompt_length + torch.tensor(limits, device=device)

    def __call__(
        self, input_ids: torch.Tensor, scores: torch.Tensor | None, **_: object
    ) -> torch.Tensor:
        """Which rows are done, as bools of shape (rows,)."""
        return input_ids.shape[1] >= self._ends


def _generator(sampling: Sampling, device: torch.device) -> torch.Generator | None:
    if sampling.temperature <= 0:
        return None
    generator = torch.Generator(device)
    if sampling.seed is None:
        generator.seed()
    else:
        generator.manual_seed(sampling.seed)
    return generator


def _penalised(logits: torch.Tensor, seen: torch.Tensor, penalty: float) -> torch.Tensor:
    """Logits that make the seen tokens less likely: positive ones divided, negative multiplied."""
    known = logits[seen]
    return logits.scatter(0, seen, torch.where(known > 0, known / penalty, known * penalty))


def _filtered(logits: torch.Tensor, top_k: int, top_p: float) -> torch.Tensor:
    """The logits, with minus infinity outside the top k, and then outside the top p of mass."""
    if 0 < top_k < len(logits):
        logits = logits.masked_fill(logits < logits.topk(top_k).values[-1], -torch.inf)
    if top_p < 1:
        ordered, order = logits.sort(descending=True)
        likely = ordered.softmax(dim=0)
        # a token stays if the likelier ones do not reach p, so at least one stays
        outside = likely.cumsum(dim=0) - likely >= top_p
        logits = logits.scatter(0, order, ordered.masked_fill(outside, -torch.inf))
    return logits
