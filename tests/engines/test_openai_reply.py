"""Bodies of replies that nobody thought of: an answer or one sentence, never anything else."""

from __future__ import annotations

import json
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racro_eval.engines.failures import one_line
from racro_eval.engines.openai.error_body import LONGEST_REASON, failure_reason
from racro_eval.engines.openai.reply import read_reply
from racro_eval.errors import DataError
from tests.support.openai_server import GOOD, reply

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "stop", "length", "text", GOOD, "<think>", "\ud800\u202e\x1b\0"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "text", "content", "message"]), inner)
    ),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything in a JSON value."""
    inside: Any = ()
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    return [path, *(below for key, item in inside for below in places(item, (*path, key)))]


def whole() -> dict[str, Any]:
    """A reply with all that is read of one."""
    full = reply(GOOD, reasoning_content="hm", refusal=None, tool_calls=[])
    full["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": -0.5}]}
    return full


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with `new` at a path."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@given(st.sampled_from(places(whole())), VALUES)
def test_any_value_at_any_place(path: tuple[Any, ...], new: Any) -> None:
    check(json.dumps(changed(whole(), path, new)).encode())


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes(body: bytes) -> None:
    check(body)
    assert len(failure_reason(body)) <= LONGEST_REASON


def check(body: bytes) -> None:
    """A body is an answer in the engines' contract or a sentence."""
    try:
        done = read_reply("r", body, 1.0)
    except DataError as error:
        assert 0 < len(str(error)) < LONGEST_REASON + 100
        assert not [c for c in str(error) if category(c) in ("Cc", "Cs", "Zl", "Zp")]
        return
    assert done.finish_reasons in (("stop",), ("length",))
    assert [type(text) for text in done.texts] == [str]
    assert all(isinstance(count, int) and count >= 0 for count in (done.usage.prompt_tokens,))
    if done.token_logprobs is not None:
        assert all(isinstance(value, float) for value in done.token_logprobs[0])


def test_log_probabilities_are_complete_or_none() -> None:
    assert read_reply("r", json.dumps(whole()).encode(), 1.0).token_logprobs == ((-0.5,),)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\n\tb", "a b"),
        ("\x1b[31mred\x07", "red\\x07"),
        ("one\u2028two\u0085three\u200bfour", "one two three\\u200bfour"),
        ("\u202eevil", "\\u202eevil"),
        ("x" * 301, "x" * 299 + "…"),
        ("x" * 300, "x" * 300),
        (" " * 10**6, ""),
    ],
)
def test_a_reason_is_one_short_line(text: str, line: str) -> None:
    assert failure_reason(text.encode()) == line
    assert one_line(text, 300) == line
