"""The draw of one token: compared with transformers' own parts and with the distribution."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

from racro_eval.engines import Sampling
from racro_eval.engines.transformers.sampling import RowLimits, RowSampler

pytestmark = pytest.mark.model

LOGITS = torch.tensor([2.0, 1.0, 0.5, -1.0, -3.0])
NOTHING_SAID = torch.zeros((1, 0), dtype=torch.long)
NO_PADDING = torch.ones((1, 0), dtype=torch.long)


def shares(draws: int = 4000, **sampling: Any) -> torch.Tensor:
    """How often each token of LOGITS is drawn, of 1."""
    sampler = RowSampler([Sampling(**{"temperature": 1.0, "seed": 1, **sampling})], NO_PADDING)
    drawn = [sampler(NOTHING_SAID, LOGITS[None].clone()).argmax().item() for _ in range(draws)]
    return torch.tensor(drawn).bincount(minlength=len(LOGITS)) / draws


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_tokens_are_drawn_by_their_probability(temperature: float) -> None:
    expected = (LOGITS / temperature).softmax(dim=0)
    assert torch.allclose(shares(temperature=temperature), expected, atol=0.03)


@pytest.mark.parametrize(
    "cut", [{"top_k": 2}, {"top_k": 99}, {"top_p": 0.8}, {"top_k": 3, "top_p": 0.9}]
)
def test_what_is_cut_is_what_transformers_cuts(cut: dict[str, Any]) -> None:
    expected = LOGITS[None]
    if "top_k" in cut:
        expected = transformers.TopKLogitsWarper(cut["top_k"])(NOTHING_SAID, expected)
    if "top_p" in cut:
        expected = transformers.TopPLogitsWarper(cut["top_p"])(NOTHING_SAID, expected)
    assert torch.allclose(shares(**cut), expected[0].softmax(dim=0), atol=0.03)


def test_a_tiny_top_p_leaves_the_likeliest_token() -> None:
    assert shares(50, top_p=1e-6)[0] == 1


def test_greedy_rows_stay_as_they_are() -> None:
    sampler = RowSampler([Sampling()], NO_PADDING)
    assert torch.equal(sampler(NOTHING_SAID, LOGITS[None].clone()), LOGITS[None])


def test_the_repetition_penalty_is_that_of_transformers_and_skips_the_padding() -> None:
    said = torch.tensor([[1, 3, 3]])
    padded = torch.tensor([[0, 0, 1, 3, 3]])
    mask = torch.tensor([[0, 0, 1, 1, 1]])
    sampler = RowSampler([Sampling(repetition_penalty=1.5)], mask)
    expected = transformers.RepetitionPenaltyLogitsProcessor(1.5)(said, LOGITS[None].clone())
    assert torch.allclose(sampler(padded, LOGITS[None].clone()), expected)


def test_a_row_draws_the_same_beside_any_other_row() -> None:
    row, other = Sampling(temperature=1.0, seed=1), Sampling(temperature=2.0, seed=2)
    mask = torch.ones((2, 0), dtype=torch.long)
    ids = torch.zeros((2, 0), dtype=torch.long)
    alone, beside = RowSampler([row], NO_PADDING), RowSampler([other, row], mask)
    for _ in range(20):
        expected = alone(NOTHING_SAID, LOGITS[None].clone())[0]
        assert torch.equal(beside(ids, LOGITS.repeat(2, 1))[1], expected)


def test_a_row_is_done_at_its_own_limit() -> None:
    limits = RowLimits(3, [1, 2], torch.device("cpu"))
    assert limits(torch.zeros((2, 4)), None).tolist() == [True, False]
    assert limits(torch.zeros((2, 5)), None).tolist() == [True, True]


def test_log_probabilities_are_the_models_own_whatever_the_sampling_does_to_them() -> None:
    sampling = Sampling(
        temperature=3.0, top_k=3, repetition_penalty=2.0, seed=1, logprobs=True
    )  # fmt: skip
    samplings = [sampling, Sampling(), Sampling(logprobs=True)]
    sampler = RowSampler(samplings, torch.ones((3, 1), dtype=torch.long))
    said = torch.tensor([[0], [1], [2]])
    steps = [LOGITS.repeat(3, 1), LOGITS.flip(0).repeat(3, 1)]
    own = [step[0].log_softmax(dim=0) for step in steps]
    drawn = [sampler(said, step.clone()).argmax(dim=-1) for step in steps]
    for row in (0, 2):
        expected = [own[n][drawn[n][row]].item() for n in range(2)]
        assert sampler.logprobs(row, 2) == pytest.approx(expected)
        assert sampler.logprobs(row, 1) == pytest.approx(expected[:1])
    assert sampler.logprobs(1, 2) is None, "not asked for"


def test_scores_that_are_no_numbers_count_up_to_the_end_of_a_row() -> None:
    sampler = RowSampler([Sampling(), Sampling()], torch.ones((2, 0), dtype=torch.long))
    said = torch.zeros((2, 0), dtype=torch.long)
    sampler(said, torch.stack([LOGITS, LOGITS]))
    sampler(said, torch.stack([LOGITS, torch.full_like(LOGITS, torch.nan)]))
    sampler(said, torch.stack([LOGITS, LOGITS]))
    assert [sampler.is_finite(0, length) for length in (1, 2, 3)] == [True, True, True]
    assert [sampler.is_finite(1, length) for length in (1, 2, 3)] == [True, False, False]
