"""Any two settings: the same key if they can only give the same text, else never the same."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from racro_eval.engines.base import Sampling
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.models.keys import sampling_settings
from racro_eval.models.model import Model
from racro_eval.stages.stage_file import short_hash

NO_TEXT = ("name", "parameters", "tp", "dp")
"""Those that change no text. Said again here, so that no list judges itself."""

words = st.text("abcé-_ .", min_size=1, max_size=4)
numbers = st.integers(1, 9)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats(0, 9) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": words,
    "model": words,
    "parameters": st.none() | st.floats(0, 9),
    "tp": numbers,
    "dp": numbers,
    "max_model_len": st.none() | numbers,
    "dtype": st.sampled_from(("auto", "float16", "bfloat16")),
    "quantization": st.none() | words,
    "min_pixels": st.none() | numbers,
    "max_pixels": st.none() | numbers,
    "system_prompt": st.booleans(),
    "chat_template_kwargs": st.dictionaries(words, json_values, max_size=2),
    "options": st.dictionaries(words, json_values, max_size=2),
}
entries = st.fixed_dictionaries(FIELDS)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two entries that differ in a few fields, or in none."""
    one = draw(entries)
    changed = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=2))
    return one, {**one, **{name: draw(FIELDS[name]) for name in changed}}


def key(entry: dict[str, Any]) -> str:
    model = Model(ModelEntry(**entry), "an engine that is not known", "the same weights")
    return short_hash(model.key_settings())


def text_of(entry: dict[str, Any]) -> str:
    """All of an entry that may change the text, as one text."""
    return json.dumps({k: v for k, v in entry.items() if k not in NO_TEXT}, sort_keys=True)


@given(pairs())
@settings(max_examples=400, deadline=None)
def test_two_entries_share_a_key_exactly_if_they_give_the_same_text(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    one, other = pair
    assert (key(one) == key(other)) == (text_of(one) == text_of(other))


samplings = st.builds(
    Sampling,
    temperature=st.sampled_from((0.0, 0.6, 1.0)),
    top_p=st.sampled_from((0.9, 1.0)),
    top_k=st.integers(0, 2),
    repetition_penalty=st.sampled_from((1.0, 1.1)),
    max_tokens=numbers,
    logprobs=st.booleans(),
)


@given(samplings, samplings, st.integers(0, 2), st.integers(0, 2))
@settings(max_examples=300, deadline=None)
def test_two_samplings_share_a_key_exactly_if_they_draw_the_same(
    one: Sampling, other: Sampling, seed: int, other_seed: int
) -> None:
    def draws(sampling: Sampling, base: int) -> tuple[object, ...]:
        return (
            sampling.temperature,
            sampling.top_p,
            sampling.top_k,
            sampling.repetition_penalty,
            sampling.max_tokens,
            base if sampling.temperature > 0 else None,
        )

    keys = [short_hash(sampling_settings(*case)) for case in ((one, seed), (other, other_seed))]
    assert (keys[0] == keys[1]) == (draws(one, seed) == draws(other, other_seed))
