"""Where a response's thought ends and its answer begins, in every dialect; and the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racro_eval.thought import Parts, answer_of, is_open, join, split, thought_tokens
from tests.support.effort import grows_linearly

CASES = json.loads(Path(__file__).with_name("thoughts.json").read_text(encoding="utf-8"))
TAGS = [
    "<think>", "</think>", "<reasoning>", "</reasoning>", "<seed:think>", "◁think▷", "◁/think▷",
    "[THINK]", "[/THINK]", "<|channel|>analysis<|message|>", "<|channel|>final<|message|>",
    "<|channel|>", "<|message|>", "<|start|>assistant", "<|end|>", "<|return|>", "analysis",
    "assistantfinal", "<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>",
    "<|begin_of_thought|>", "<|end_of_thought|>", "<|end_of_solution|>", '<think chars="3">',
    "<|channel>thought", "<channel|>", "<think ", "</think ", "< ", "[ ", "◁ ", "<|", "a", " ",
    "\n",
]  # fmt: skip
texts = st.lists(st.sampled_from(TAGS) | st.text(max_size=5)).map("".join)


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_the_parts_of_a_response(case: dict[str, Any]) -> None:
    assert split(case["text"]) == Parts(case["thought"], case["answer"], case["open"])
    assert is_open(case["text"]) == case["open"]


def test_what_is_handed_on_is_the_answer_without_the_blanks_around_it() -> None:
    assert answer_of("<think>\na\n</think>\n\nA cat. \n") == "A cat."
    assert answer_of("A cat.<think>Or a dog?") == "A cat."
    assert answer_of("<think>A cat?") == ""


def test_a_response_without_a_thought_is_handed_on_to_the_letter() -> None:
    assert answer_of(" A cat.\n") == " A cat.\n"


@given(texts.filter(bool), texts)
def test_parts_that_were_joined_are_the_same_parts_when_split(thought: str, answer: str) -> None:
    assert split(join(thought, answer)) == Parts(thought, answer)


@given(texts)
def test_a_thought_that_was_cut_stays_open(thought: str) -> None:
    assert split(join(thought, "", open=True)) == Parts(thought, "", open=True)


@given(texts)
def test_an_answer_without_a_thought_is_joined_with_nothing(answer: str) -> None:
    assert join("", answer) == answer


def test_plain_parts_are_joined_with_plain_tags() -> None:
    assert join("hm", "b") == "<think>hm</think>b"
    assert join("hm", "", open=True) == "<think>hm"


@pytest.mark.parametrize(
    ("special", "kept"),
    [
        ({"<think>", "</think>", "<|im_end|>"}, {"<think>", "</think>"}),
        ({"<|thinking_budget|>", "<pad>"}, {"<|thinking_budget|>"}),
        ({"<|end_of_thought|>", "<|end_of_solution|>", "<s>"}, {"<|end_of_thought|>"}),
        ({"<|START_RESPONSE|>", "<|END_RESPONSE|>"}, {"<|START_RESPONSE|>"}),
        ({"<|end|>", "<|start|>", "<|message|>"}, set()),
        (
            {"<|channel|>", "<|end|>", "<|start|>", "<|message|>", "<|return|>"},
            {"<|channel|>", "<|end|>", "<|start|>", "<|message|>"},
        ),
        ({"<|channel>", "<channel|>", "<turn|>"}, {"<|channel>", "<channel|>"}),
        ({"<|channel>"}, set()),
        (set(), set()),
    ],
)
def test_special_tokens_that_a_decoder_keeps(special: set[str], kept: set[str]) -> None:
    assert thought_tokens(special) == kept


@given(texts)
def test_parts_hold_nothing_that_was_not_said(text: str) -> None:
    parts = split(text)
    assert parts.thought in text
    assert parts.answer in text
    assert len(parts.thought) + len(parts.answer) <= len(text)


@pytest.mark.parametrize("tag", TAGS)
def test_repeated_tags_cost_linear_time(tag: str) -> None:
    assert grows_linearly(split, lambda size: tag * (size // len(tag)), 1 << 16)


def test_a_megabyte_of_all_tags_costs_linear_time() -> None:
    every = "analysis" + " x ".join(TAGS)
    assert grows_linearly(split, lambda size: every * (size // len(every)), 1 << 20)
