"""The transformers engine with real tiny models: what comes back for which request."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from racro_eval.engines import Engine, Message, Request, create_engine
from racro_eval.errors import EngineError
from tests.engines.prompts import UNREADABLE, ask, by_id, entry, picture, text_of, texts

pytestmark = pytest.mark.model

LONG = "The area of the triangle is half of the base times the height. " * 400


def mixed_requests(**sampling: Any) -> list[Request]:
    """Prompts of different lengths, with no, one or two pictures of different sizes."""
    sizes = [(56, 56), (200, 100), (90, 300), (30, 30)]
    pictures = [picture(*size, shade=20 * n) for n, size in enumerate(sizes)]
    return [
        ask("plain", "What is x?", **sampling),
        ask("plain-long", "What is the area of the circle? " * 9, **sampling),
        ask("one", "Describe the image.", pictures[0], **sampling),
        ask("one-long", "Describe the image in detail. " * 9, pictures[1], **sampling),
        ask("two", "Describe both.", pictures[2], pictures[3], **sampling),
        ask("two-more", "Which is larger?", pictures[1], pictures[0], **sampling),
    ]


def text_requests(**sampling: Any) -> list[Request]:
    return [
        ask(str(n), "How many students? " * (1 + n * n), **{"seed": n, **sampling})
        for n in range(10)
    ]


def test_every_request_is_answered_with_text_and_counts(captioner: Engine) -> None:
    done = by_id(captioner, mixed_requests(max_tokens=20))
    for completion in done.values():
        assert completion.error is None
        assert len(set(completion.texts[0])) > 5
        assert completion.finish_reasons in {("length",), ("stop",)}
        assert completion.usage.completion_tokens <= 20
        assert completion.latency_s > 0
    assert done["one-long"].usage.prompt_tokens > done["one"].usage.prompt_tokens


def test_the_engine_says_what_it_runs_on(captioner: Engine, tiny_vlm: Path) -> None:
    assert (captioner.info.name, captioner.info.model) == ("transformers", str(tiny_vlm))
    assert sorted(captioner.info.versions) == ["torch", "transformers"]


def test_a_system_message_changes_the_prompt(reasoner: Engine) -> None:
    plain = ask("1", "What is x?")
    system = Request("2", (Message("system", "Be brief."), *plain.messages), (), plain.sampling)
    done = by_id(reasoner, [plain, system])
    assert done["2"].usage.prompt_tokens > done["1"].usage.prompt_tokens
    assert done["2"].texts != done["1"].texts


def test_the_answer_depends_on_the_picture(captioner: Engine) -> None:
    dark, light = (text_of(captioner, ask("1", "Describe.", picture(99, 99, s))) for s in (0, 128))
    assert dark != light


def test_the_answer_depends_on_the_order_of_the_pictures(captioner: Engine) -> None:
    first, second = picture(99, 99), picture(56, 140, 128)
    assert text_of(captioner, ask("1", "Compare.", first, second)) != text_of(
        captioner, ask("1", "Compare.", second, first)
    )


def test_greedy_text_is_the_same_alone_and_in_a_batch(captioner: Engine) -> None:
    requests = mixed_requests(max_tokens=24)
    together = texts(captioner, requests)
    assert together == {request.id: text_of(captioner, request) for request in requests}


def test_a_seed_makes_the_text_the_same_alone_in_a_batch_and_in_any_order(
    reasoner: Engine,
) -> None:
    requests = text_requests(temperature=0.6, top_p=0.95, max_tokens=24)
    together = texts(reasoner, requests)
    shuffled = random.Random(0).sample(requests, len(requests))
    assert texts(reasoner, shuffled) == together
    assert {request.id: text_of(reasoner, request) for request in requests} == together


def test_a_seed_makes_the_text_the_same_with_pictures(captioner: Engine) -> None:
    requests = mixed_requests(temperature=1.0, seed=3)
    assert texts(captioner, requests) == {r.id: text_of(captioner, r) for r in requests}


def test_the_text_depends_on_the_seed(reasoner: Engine) -> None:
    drawn = [
        text_of(reasoner, ask("1", "What is x?", temperature=1.0, seed=seed)) for seed in range(4)
    ]
    assert len(set(drawn)) == 4


def test_without_a_seed_two_draws_differ(reasoner: Engine) -> None:
    request = ask("1", "What is x?", temperature=5.0)
    assert text_of(reasoner, request) != text_of(reasoner, request)


def test_rows_of_one_batch_keep_their_own_sampling_and_limit(reasoner: Engine) -> None:
    greedy = ask("greedy", "What is x?", max_tokens=20)
    short = ask("short", "What is x?", max_tokens=17)
    hot = ask("hot", "What is x?", max_tokens=20, temperature=5.0, seed=1)
    done = by_id(reasoner, [greedy, short, hot])
    assert [done[id].usage.completion_tokens for id in ("greedy", "short")] == [20, 17]
    assert done["greedy"].texts[0].startswith(done["short"].texts[0].rstrip("\ufffd"))
    assert done["hot"].texts != done["greedy"].texts


def test_length_when_the_limit_cuts(reasoner: Engine) -> None:
    (completion,) = reasoner.stream([ask("1", "What is x?", max_tokens=1)])
    assert completion.finish_reasons == ("length",)
    assert completion.usage.completion_tokens == 1


def test_stop_when_the_model_ends_and_without_the_end_token(reasoner: Engine) -> None:
    # nearly flat over 448 tokens: an answer of 2000 tokens ends by itself almost surely
    requests = [
        ask(str(n), "What is x?", max_tokens=2000, temperature=50.0, seed=n) for n in range(4)
    ]
    done = by_id(reasoner, requests).values()
    stopped = [c for c in done if c.finish_reasons == ("stop",)]
    assert stopped
    assert all(1 <= c.usage.completion_tokens <= 2000 for c in stopped)
    assert len({c.usage.completion_tokens for c in done}) > 1
    assert not any("<|" in c.texts[0] for c in done)


def test_think_tags_survive_though_they_are_special_tokens(reasoner: Engine) -> None:
    requests = [
        ask(str(n), "What is x?", max_tokens=400, temperature=50.0, seed=100 + n) for n in range(8)
    ]
    said = " ".join(texts(reasoner, requests).values())
    assert "<think>" in said
    assert "</think>" in said


def test_a_thought_that_the_prompt_opens_and_nothing_closes_keeps_its_tag(
    tiny_reasoner: Path, reasoner: Engine
) -> None:
    thinking = create_engine(
        entry(tiny_reasoner, chat_template_kwargs={"enable_thinking": True}), "transformers"
    )
    request = ask("1", "What is x?")
    (opened,) = thinking.stream([request])
    (plain,) = reasoner.stream([request])
    assert opened.usage.prompt_tokens == plain.usage.prompt_tokens + 2  # <think> and a newline
    assert "</think>" not in opened.texts[0]
    assert opened.texts[0].startswith("<think>")
    assert not plain.texts[0].startswith("<think>")


def test_a_prompt_longer_than_the_context_fails_its_row_only(reasoner: Engine) -> None:
    done = by_id(reasoner, [ask("long", LONG), ask("good", "What is x?")])
    assert done["good"].error is None
    error = done["long"].error or ""
    assert "tokens, but the context of" in error
    assert "is 4096 tokens, with the answer" in error


def test_an_image_that_overflows_the_context_fails_its_row_only(tiny_vlm: Path) -> None:
    engine = create_engine(entry(tiny_vlm, max_model_len=40), "transformers")
    requests = [ask(str(n), "x", picture(28, 28)) for n in range(5)]
    requests.insert(2, ask("large", "x", *[picture(200, 200)] * 3))
    done = by_id(engine, requests)
    assert [id for id, completion in done.items() if completion.error] == ["large"]
    assert "the context of tiny-vlm is 40 tokens" in (done["large"].error or "")


def test_the_context_bounds_the_answer(tiny_reasoner: Path, reasoner: Engine) -> None:
    request = ask("1", "What is x?", max_tokens=500)
    (free,) = reasoner.stream([ask("1", "What is x?", max_tokens=1)])
    longest = free.usage.prompt_tokens + 7
    engine = create_engine(entry(tiny_reasoner, max_model_len=longest), "transformers")
    (bounded,) = engine.stream([request])
    assert bounded.usage.completion_tokens == 7
    assert bounded.finish_reasons == ("length",)


def test_images_given_to_a_text_model_fail_their_row_only(reasoner: Engine) -> None:
    done = by_id(reasoner, [ask("text", "x"), ask("image", "x", picture(28, 28))])
    assert done["text"].error is None
    assert done["image"].error == "The request has images, but the model reads text only."


def test_an_unreadable_image_fails_its_row_only(captioner: Engine) -> None:
    requests = [ask(str(n), "x", picture(40, 40)) for n in range(3)]
    requests.insert(1, ask("bad", "x", picture(40, 40), UNREADABLE))
    done = by_id(captioner, requests)
    assert [id for id, completion in done.items() if completion.error] == ["bad"]
    assert "broken.png cannot be decoded" in (done["bad"].error or "")


def test_a_placeholder_smuggled_into_a_text_fails_its_row_only(captioner: Engine) -> None:
    requests = [ask(str(n), "x", picture(40, 40)) for n in range(3)]
    requests.append(ask("bad", "<|image_pad|>", picture(40, 40)))
    done = by_id(captioner, requests)
    assert [id for id, completion in done.items() if completion.error] == ["bad"]


def test_pixel_limits_set_the_tokens_of_an_image(tiny_vlm: Path) -> None:
    def image_tokens(side: int, **limits: int) -> int:
        engine = create_engine(entry(tiny_vlm, **limits), "transformers")
        done = by_id(engine, [ask("0", "x"), ask("1", "x", picture(side, side))])
        edges = 2  # <|vision_start|> and <|vision_end|>
        return done["1"].usage.prompt_tokens - done["0"].usage.prompt_tokens - edges

    assert image_tokens(500) == 16
    assert image_tokens(500, max_pixels=4 * 28 * 28) == 4
    assert image_tokens(28) == 1
    assert image_tokens(28, min_pixels=9 * 28 * 28) == 9


def test_no_more_than_a_window_is_pulled_ahead(tiny_reasoner: Path) -> None:
    engine = create_engine(
        entry(tiny_reasoner, options={"batch_size": 2, "window": 6}), "transformers"
    )
    pulled = 0

    def requests() -> Iterator[Request]:
        nonlocal pulled
        for n in range(50):
            pulled += 1
            yield ask(str(n), "x", max_tokens=2)

    stream = engine.stream(requests())
    next(stream)
    assert pulled == 6
    assert len(list(stream)) == 49


def test_an_empty_stream_has_no_completions(reasoner: Engine) -> None:
    assert list(reasoner.stream([])) == []


def test_a_closed_engine_says_so_and_closes_twice(tiny_reasoner: Path) -> None:
    engine = create_engine(entry(tiny_reasoner), "transformers")
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="engine of tiny-reasoner is closed"):
        list(engine.stream([ask("1", "x")]))
