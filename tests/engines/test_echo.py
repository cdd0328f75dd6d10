"""The engine without a model: deterministic, out of order, and honest about bad rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from racro_eval.engines import Message, Request
from racro_eval.engines.echo import EchoEngine
from racro_eval.errors import ConfigError
from tests.engines.prompts import UNREADABLE, ask, by_id, entry, picture, text_of, texts


def echo(name: str = "org/echo", **options: Any) -> EchoEngine:
    return EchoEngine(entry(name, options=options))


def boxed(text: str) -> str:
    match = re.fullmatch(r".*\\boxed\{(.*)\}\.", text)
    assert match
    return match[1]


def test_the_reply_says_what_was_read() -> None:
    text = text_of(echo(), ask("1", "How many?", picture(8, 8), picture(9, 9)))
    assert text.startswith("echo read 9 characters and 2 images.")
    assert boxed(text).isdigit()


@pytest.mark.parametrize(
    "choices", ["(A) one (B) two (C) three", "A. one\nB. two\nC. three", " A) one\n B) two\n C) 3"]
)
def test_options_are_answered_with_one_of_their_letters(choices: str) -> None:
    requests = [ask(str(n), f"Which of {n}?\n{choices}") for n in range(40)]
    assert {boxed(text) for text in texts(echo(), requests).values()} == {"A", "B", "C"}


def test_a_sentence_that_begins_with_a_letter_is_no_option() -> None:
    assert boxed(text_of(echo(), ask("1", "A triangle has how many sides?"))).isdigit()


def test_the_same_question_gets_the_same_answer_whatever_its_id() -> None:
    first, again = (text_of(echo(), ask(id, "What is x?", picture(8, 8))) for id in "ab")
    assert first == again


def test_answers_differ_between_images_models_and_messages() -> None:
    def answers(**change: Any) -> list[str]:
        return [
            boxed(
                text_of(
                    echo(change.get("model", "org/m")),
                    ask(str(n), f"{n}{change.get('text', '')}", picture(8, 8, change.get("at", 0))),
                )
            )
            for n in range(20)
        ]

    assert answers() == answers()
    assert answers() != answers(at=7)
    assert answers() != answers(text="?")
    assert answers() != answers(model="org/other")


def test_the_seed_matters_only_above_temperature_zero() -> None:
    def answers(temperature: float, seed: int) -> dict[str, str]:
        return texts(
            echo(),
            [ask(str(n), str(n), temperature=temperature, seed=seed) for n in range(20)],
        )

    assert answers(0.0, 1) == answers(0.0, 2)
    assert answers(0.6, 1) == answers(0.6, 1)
    assert answers(0.6, 1) != answers(0.6, 2)


def test_completions_come_out_of_order_within_a_window() -> None:
    requests = [ask(str(n), "x") for n in range(5)]
    assert [c.id for c in echo(window=3).stream(requests)] == ["2", "1", "0", "4", "3"]


def test_no_more_than_a_window_is_pulled_ahead() -> None:
    pulled = 0

    def requests() -> Iterator[Request]:
        nonlocal pulled
        for n in range(100):
            pulled += 1
            yield ask(str(n), "x")

    stream = echo(window=4).stream(requests())
    next(stream)
    assert pulled == 4


def test_words_are_counted_as_tokens_and_cut_at_the_limit() -> None:
    request = ask("1", "two words", max_tokens=3)
    (cut,) = echo().stream([request])
    assert cut.texts == ("echo read 9",)
    assert cut.finish_reasons == ("length",)
    assert (cut.usage.prompt_tokens, cut.usage.completion_tokens) == (2, 3)
    (whole,) = echo().stream([ask("1", "two words", max_tokens=100)])
    assert whole.finish_reasons == ("stop",)


def test_an_unreadable_image_fails_its_row_only() -> None:
    done = by_id(echo(), [ask("good", "x", picture(8, 8)), ask("bad", "x", UNREADABLE)])
    assert done["good"].error is None
    assert "broken.png cannot be decoded" in (done["bad"].error or "")
    assert done["bad"].texts == ()


def test_a_test_may_choose_the_replies_and_make_one_fail() -> None:
    def reply(request: Request) -> str:
        if request.id == "bad":
            raise ValueError("on\npurpose")
        return request.messages[-1].content.upper()

    engine = EchoEngine(entry("org/echo"), reply)
    done = by_id(engine, [ask("good", "hello"), ask("bad", "hello")])
    assert done["good"].texts == ("HELLO",)
    assert done["bad"].error == "ValueError: on purpose"


def test_latency_is_slept_and_reported() -> None:
    (completion,) = echo(latency_s=0.02).stream([ask("1", "x")])
    assert completion.latency_s >= 0.02


def test_only_the_user_text_is_searched_for_options() -> None:
    messages = (Message("system", "Answer with (A) or (B)."), Message("user", "How many?"))
    assert boxed(text_of(echo(), Request("1", messages))).isdigit()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"windows": 3}, r"no option 'windows'. Its options are: latency_s, window"),
        ({"window": 0}, r"'window' .* whole number of at least 1, not 0"),
        ({"window": True}, r"not True"),
        ({"latency_s": -1}, r"'latency_s' .* seconds"),
        ({"latency_s": "1"}, r"not '1'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        EchoEngine(entry("org/echo", options=options))


def test_closing_twice_is_safe() -> None:
    engine = echo()
    engine.close()
    engine.close()
