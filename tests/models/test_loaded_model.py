"""A loaded model answers in the order of the requests, from any thread, until it is closed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from racro_eval.data.images import BytesImage
from racro_eval.engines.base import Completion, EngineInfo, Request
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import ConfigError, EngineError, UnknownNameError
from racro_eval.models import loaded_model
from racro_eval.models.loaded_model import LoadedModel
from tests.engines.prompts import UNREADABLE, ask, entry, picture


def requests(name: str, number: int) -> list[Request]:
    return [ask(f"{name}{place}", f"{name} asks {place}") for place in range(number)]


def texts(completions: Iterable[Completion]) -> list[str]:
    return [completion.texts[0] for completion in completions]


def wait_for_requests(model: LoadedModel, number: int) -> None:
    """Wait until so many requests of other threads wait for the engine."""
    while len(model._waiting) < number:
        time.sleep(0.001)


class TestAnswers:
    def test_come_in_the_order_of_the_requests_again_and_again(self) -> None:
        with LoadedModel("echo:m") as model:  # echo completes each window from its end to its start
            asked = requests("a", 20)
            first = model.answer(asked)
            assert [completion.id for completion in first] == [request.id for request in asked]
            assert texts(model.answer(asked[::-1])) == texts(first)[::-1]
            assert model.answer([]) == []

    def test_of_requests_with_the_same_id_are_told_apart(self) -> None:
        with LoadedModel("echo:m") as model:
            completions = model.answer([ask("x", "one"), ask("x", "three words here")])
        assert [completion.usage.prompt_tokens for completion in completions] == [1, 3]
        assert [completion.id for completion in completions] == ["x", "x"]

    def test_that_fail_are_in_their_place_and_keep_no_other_back(self) -> None:
        with LoadedModel("echo:m") as model:
            good, bad, last = model.answer(
                [ask("1", "x", picture(4, 4)), ask("2", "x", UNREADABLE), ask("3", "x")]
            )
        assert (good.error, last.error) == (None, None)
        assert bad.error is not None and "broken.png cannot be decoded" in bad.error
        assert bad.texts == ()


class TestTheModel:
    def test_may_be_an_entry_or_what_names_one(self) -> None:
        own = ModelEntry(name="own", model="m", engine="echo")
        for model, name in ((own, "own"), ("echo:m", "m")):
            with LoadedModel(model) as loaded:
                assert (loaded.entry.name, loaded.info.name) == (name, "echo")

    def test_has_the_engine_of_its_entry_before_the_one_that_is_given(self) -> None:
        with LoadedModel(ModelEntry(name="m", model="m"), engine="echo") as loaded:
            assert loaded.info.name == "echo"
        with LoadedModel("echo:m", engine="transformers") as loaded:
            assert loaded.info.name == "echo"

    def test_takes_parallel_sizes_in_place_of_the_entrys(self) -> None:
        with LoadedModel("echo:m", tp=2, dp=3) as loaded:
            assert (loaded.entry.tp, loaded.entry.dp) == (2, 3)

    def test_that_does_not_exist_or_has_a_wrong_setting_is_an_error(self) -> None:
        with pytest.raises(UnknownNameError, match="no model 'nothing'"):
            LoadedModel("nothing")
        with pytest.raises(ConfigError, match="no option 'speed'"):
            LoadedModel(ModelEntry(name="m", model="m", engine="echo", options={"speed": 1}))


class Engine:
    """Completes requests in windows of four, the last one first. Some texts do what they say:

    "die" ends the engine, "lose me" has no completion, "wait" has none before `resumed` is set.
    begun: set when a stream has begun. go_on: a stream waits for it before it completes anything.
    """

    info = EngineInfo("fake", "m", {})

    def __init__(self) -> None:
        self.begun, self.go_on, self.resumed = (threading.Event() for _ in range(3))
        self.go_on.set()
        self.streams: list[list[str]] = []
        self.active = self.closed = 0

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        self.active += 1
        assert self.active == 1, "an engine completes one stream at a time"
        self.streams.append([])
        waiting = iter(requests)
        try:
            while window := list(islice(waiting, 4)):
                self.begun.set()
                assert self.go_on.wait(30)
                for request in reversed(window):
                    text = request.messages[0].content
                    if text == "lose me":
                        continue
                    if text == "wait":
                        assert self.resumed.wait(30)
                    if text == "die":
                        raise EngineError("It died.")
                    self.streams[-1].append(text)
                    yield Completion(request.id, texts=(text,), finish_reasons=("stop",))
        finally:
            self.active -= 1

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(loaded_model, "create_engine", lambda *_, **__: made)
    return made


class TestThreads:
    def test_each_get_their_own_answers(self) -> None:
        with LoadedModel("echo:m") as model, ThreadPoolExecutor(8) as pool:
            calls = [requests(f"thread {number} ", 25) for number in range(16)]
            alone = [texts(model.answer(call)) for call in calls]
            assert [texts(done) for done in pool.map(model.answer, calls)] == alone

    def test_share_one_stream(self, engine: Engine) -> None:
        model = LoadedModel("echo:m")
        engine.go_on.clear()
        with ThreadPoolExecutor(4) as pool:
            first = pool.submit(model.answer, requests("a", 5))
            assert engine.begun.wait(30)
            others = [pool.submit(model.answer, requests(name, 1)) for name in "bcd"]
            wait_for_requests(model, 4)  # one of the first call, and those of the others
            engine.go_on.set()
            assert [len(call.result(30)) for call in (first, *others)] == [5, 1, 1, 1]
        assert [len(stream) for stream in engine.streams] == [8]

    def test_end_when_their_own_requests_are_answered(self, engine: Engine) -> None:
        model = LoadedModel("echo:m")
        engine.go_on.clear()
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(model.answer, requests("a", 4))
            assert engine.begun.wait(30)
            second = pool.submit(model.answer, requests("b", 4))
            wait_for_requests(model, 4)
            engine.go_on.set()
            first.result(30), second.result(30)
        assert [len(stream) for stream in engine.streams] == [4, 4], "a did not wait for b"

    def test_do_not_wait_for_the_requests_of_others(self, engine: Engine) -> None:
        model = LoadedModel("echo:m")
        engine.go_on.clear()
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(model.answer, [*requests("a", 4), ask("x", "wait")])
            assert engine.begun.wait(30)
            second = pool.submit(model.answer, requests("b", 1))
            wait_for_requests(model, 2)
            engine.go_on.set()
            assert len(second.result(30)) == 1
            assert not first.done()
            engine.resumed.set()
            assert len(first.result(30)) == 5
        assert len(engine.streams) == 1


class TestTheEnd:
    def test_closes_the_engine(self, engine: Engine) -> None:
        with LoadedModel("echo:m") as model:
            model.answer(requests("a", 3))
            assert not engine.closed
        assert engine.closed
        model.close()
        with pytest.raises(EngineError, match=r"^m answers no requests: it was closed\.$"):
            model.answer(requests("a", 1))

    def test_of_the_engine_is_an_error_in_every_thread_and_later(self, engine: Engine) -> None:
        model = LoadedModel("echo:m")
        engine.go_on.clear()
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(model.answer, [*requests("a", 1), ask("x", "die")])
            assert engine.begun.wait(30)
            second = pool.submit(model.answer, requests("b", 1))
            wait_for_requests(model, 1)
            engine.go_on.set()
            with pytest.raises(EngineError, match=r"^It died\.$"):
                first.result(30)
            with pytest.raises(EngineError, match=r"^m answers no requests: It died\.$"):
                second.result(30)
        assert engine.closed
        with pytest.raises(EngineError, match="It died"):
            model.answer(requests("a", 1))

    def test_comes_when_the_engine_forgets_a_request(self, engine: Engine) -> None:
        model = LoadedModel("echo:m")
        with pytest.raises(EngineError, match="left 1 requests without an answer"):
            model.answer([*requests("a", 2), ask("x", "lose me")])
        assert engine.closed

    def test_by_an_interruption_is_one_for_good(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(_: Iterable[Request]) -> Iterator[Completion]:
            raise KeyboardInterrupt
            yield

        model = LoadedModel("echo:m")
        monkeypatch.setattr(engine, "stream", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.answer(requests("a", 1))
        with pytest.raises(EngineError, match="it was interrupted"):
            model.answer(requests("a", 1))

    def test_may_come_from_another_thread(self, engine: Engine) -> None:
        model = LoadedModel("echo:m")
        engine.go_on.clear()
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(model.answer, requests("a", 5))
            assert engine.begun.wait(30)
            model.close()
            engine.go_on.set()
            with pytest.raises(EngineError, match="it was closed"):
                call.result(30)


@pytest.mark.slow
@pytest.mark.model
def test_a_real_model_gives_threads_what_it_gives_one(tiny_vlm: Path) -> None:
    def asked(number: int) -> list[Request]:
        settings: dict[str, Any] = {"temperature": 1.0, "seed": number, "max_tokens": 8}
        image: BytesImage = picture(40, 40, number)
        return [ask("1", f"What is {number}?", **settings), ask("2", "And this?", image)]

    with LoadedModel(entry(tiny_vlm), engine="transformers") as model:
        calls = [asked(number) for number in range(6)]
        alone = [texts(model.answer(call)) for call in calls]
        with ThreadPoolExecutor(3) as pool:
            assert [texts(done) for done in pool.map(model.answer, calls)] == alone
    assert len({text for answers in alone for text in answers}) > 6
