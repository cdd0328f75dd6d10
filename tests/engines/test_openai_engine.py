"""The OpenAI-compatible engine against a real HTTP server on loopback."""

from __future__ import annotations

import base64
import io
import logging
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

pytest.importorskip("httpx2", reason="the extra `openai` is not installed")

from racro_eval.data.images import BytesImage
from racro_eval.engines import Completion, Engine, Message, Request, Sampling, create_engine
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import ConfigError, EngineError
from racro_eval.pipeline.config import RunConfig
from racro_eval.pipeline.display import Display
from racro_eval.pipeline.execution import run
from tests.support.benchmarks import make_json_benchmark, picture
from tests.support.openai_server import Answer, Server, reply
from tests.support.results import read_csv
from tests.support.waiting import ends, wait_for

GONE = "http://127.0.0.1:9/v1"
TOKENS = [("an", -0.5), (" answer", -0.25)]


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def engine(server: Server, **more: Any) -> Engine:
    entry = ModelEntry(name="m", model="m", base_url=server.url, **more)
    return create_engine(entry, "openai")


def request(name: str = "r", **more: Any) -> Request:
    messages = (Message("system", "S"), Message("user", f"Q {name}"))
    return Request(name, messages, **more)


def ask(server: Server, *requests: Request, **more: Any) -> dict[str, Completion]:
    running = engine(server, **more)
    done = {completion.id: completion for completion in running.stream(requests)}
    running.close()
    running.close()
    return done


def test_a_request_and_its_completion(server: Server) -> None:
    sampling = Sampling(temperature=0.6, top_p=0.95, max_tokens=50, seed=3)
    done = ask(server, request(sampling=sampling))["r"]
    assert server.asked == [
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "S"},
                {"role": "user", "content": "Q r"},
            ],
            "temperature": 0.6,
            "top_p": 0.95,
            "max_tokens": 50,
            "seed": 3,
        }
    ]
    assert (done.texts, done.finish_reasons, done.error) == (("an answer",), ("stop",), None)
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (7, 3)
    assert done.latency_s > 0


def test_images_go_before_the_text_as_data_urls(server: Server) -> None:
    ask(server, request(images=(BytesImage(picture(1)), BytesImage(picture(2)))))
    first, second, text = server.asked[0]["messages"][1]["content"]
    assert base64.b64decode(first["image_url"]["url"].partition("base64,")[2]) == picture(1)
    assert second["image_url"]["url"].startswith("data:image/png;base64,")
    assert text == {"type": "text", "text": "Q r"}


def test_settings_of_some_servers_are_sent_only_if_set(server: Server) -> None:
    sampling = Sampling(top_k=20, repetition_penalty=1.1)
    ask(server, request(sampling=sampling), chat_template_kwargs={"enable_thinking": True})
    assert server.asked[0]["top_k"] == 20
    assert server.asked[0]["repetition_penalty"] == 1.1
    assert server.asked[0]["chat_template_kwargs"] == {"enable_thinking": True}


def test_log_probabilities_come_if_asked_for(server: Server) -> None:
    answer = reply("an answer")
    tokens = [{"token": t, "bytes": None, "logprob": p, "top_logprobs": []} for t, p in TOKENS]
    answer["choices"][0]["logprobs"] = {"content": tokens, "refusal": None}
    server.answer = lambda body: (200, answer if body.get("logprobs") else reply("an answer"))
    asked = request("asked", sampling=Sampling(logprobs=True))
    done = ask(server, asked, request("not asked"))
    assert done["asked"].token_logprobs == ((-0.5, -0.25),)
    assert done["not asked"].token_logprobs is None
    server.answer = lambda body: (200, reply("a server that knows no log-probabilities"))
    assert ask(server, asked)["asked"].token_logprobs is None


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_a_thought_that_was_split_off_is_kept(server: Server, field: str) -> None:
    server.answer = lambda body: (200, reply("\\boxed{1}", **{field: "hm"}))
    assert ask(server, request())["r"].texts == ("<think>hm</think>\\boxed{1}",)


def test_a_cut_answer_says_so(server: Server) -> None:
    cut = reply("an ans")
    cut["choices"][0]["finish_reason"] = "length"
    server.answer = lambda body: (200, cut)
    assert ask(server, request())["r"].finish_reasons == ("length",)


def test_what_may_pass_is_tried_again(server: Server) -> None:
    def busy_twice(body: dict[str, Any]) -> Answer:
        status = {1: 429, 2: 503}.get(len(server.asked), 200)
        return status, reply("at last") if status == 200 else {"error": {"message": "busy"}}

    server.answer = busy_twice
    assert ask(server, request())["r"].texts == ("at last",)
    assert len(server.asked) == 3


def test_a_refused_request_is_its_own_error(server: Server) -> None:
    def picky(body: dict[str, Any]) -> Answer:
        if "bad" in body["messages"][1]["content"]:
            return 400, {"error": {"message": "the prompt is too long"}}
        return 200, reply("fine")

    server.answer = picky
    done = ask(server, request("good"), request("bad"), request("also good"))
    assert done["good"].texts == done["also good"].texts == ("fine",)
    assert "the prompt is too long" in (done["bad"].error or "")


def test_an_unreadable_image_is_its_own_error(server: Server) -> None:
    done = ask(server, request("bad", images=(BytesImage(b"no image"),)), request("good"))
    assert "cannot be decoded" in (done["bad"].error or "")
    assert done["good"].error is None


def test_the_key_comes_from_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    ask(server, request())
    assert server.keys == {"Bearer secret"}


def test_a_key_with_a_line_break_is_taken_without_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret\n")
    ask(server, request())
    assert server.keys == {"Bearer secret"}


def test_a_key_that_no_header_can_hold_is_refused_and_not_repeated(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sec\nret")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY contains characters") as caught:
        engine(server)
    assert "ret" not in str(caught.value).removeprefix("OPENAI_API_KEY contains characters")


def test_credentials_and_keys_in_an_address_are_used_and_not_repeated(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"{server.url.replace('//', '//user:secret@')}/?api-key=secret"
    entry = ModelEntry(name="m", model="m", base_url=url, options={"wait_s": 0})
    running = create_engine(entry, "openai")
    (done,) = running.stream([request()])
    assert done.texts == ("an answer",)
    assert set(server.paths[:-1]) == {"/v1/models?api-key=secret"}
    assert server.paths[-1] == "/v1/chat/completions?api-key=secret"
    server.close()
    with pytest.raises(EngineError) as caught:
        list(running.stream([request()]))
    running.close()
    assert "secret" not in str(caught.value) + caplog.text


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8000/v1", "file:///etc/passwd", "http://", "http://\x00"]
)
def test_an_invalid_base_url_is_an_error_at_the_start(url: str) -> None:
    with pytest.raises(ConfigError, match="must look like http://host:8000"):
        create_engine(ModelEntry(name="m", model="m", base_url=url), "openai")


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTP_PROXY", "nonsense://user:secret@x"), ("SSL_CERT_FILE", "/not/there")],
)
def test_an_unusable_proxy_or_certificate_is_an_error(
    server: Server, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="The proxy or the certificates") as caught:
        engine(server)
    assert "secret" not in str(caught.value)


def test_an_address_where_nobody_listens_is_an_error() -> None:
    entry = ModelEntry(name="m", model="m", base_url=GONE, options={"wait_s": 0})
    with pytest.raises(
        EngineError, match=r"Nobody answers at http://127\.0\.0\.1:9/v1 for m .*: is"
    ):
        create_engine(entry, "openai")


def test_a_server_that_stays_away_ends_the_stage_and_keeps_what_came_before(
    server: Server,
) -> None:
    running = engine(server, options={"concurrency": 1, "retries": 1, "wait_s": 0})
    stream = running.stream([request("first"), request("second")])
    assert next(stream).texts == ("an answer",)
    server.close()
    with pytest.raises(EngineError, match="went away and did not come back within 0 s"):
        list(stream)
    running.close()


class BackWhenMissed(logging.Handler):
    """Starts the server again as soon as it is said that nobody answers."""

    def __init__(self, port: int, root: str | None = None) -> None:
        super().__init__()
        self.port, self.root, self.said = port, root, list[str]()
        self.server: Server | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
        self.server = self.server or Server(self.port, self.root)

    def __enter__(self) -> BackWhenMissed:
        logging.getLogger("racro_eval").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("racro_eval").removeHandler(self)
        if self.server:
            self.server.close()


def test_a_server_that_is_away_for_a_moment_is_waited_for_at_the_start(server: Server) -> None:
    server.close()
    with BackWhenMissed(server.http.server_port) as keeper:
        assert ask(server, request())["r"].texts == ("an answer",)
    assert "Nobody answers at" in keeper.said[0]
    assert "(ConnectError: All connection attempts failed)" in keeper.said[0]
    assert "asking again in 1 s, and for 180 s at most" in keeper.said[0]
    assert keeper.said[1:] == [f"{server.url} answers again."]


def test_a_server_that_is_away_for_a_moment_is_waited_for_in_between(server: Server) -> None:
    def die(body: dict[str, Any]) -> Answer:
        server.close()
        raise ConnectionError

    running = engine(server)
    server.answer = die
    with BackWhenMissed(server.http.server_port) as keeper:
        done = list(running.stream([request(str(n)) for n in range(8)]))
        running.close()
    assert [one.error for one in done] == [None] * 8
    assert [said for said in keeper.said if "answers again" in said] == [keeper.said[-1]]


def test_a_server_that_comes_back_with_another_model_ends_the_stage(server: Server) -> None:
    def die(body: dict[str, Any]) -> Answer:
        server.close()
        raise ConnectionError

    server.root = "org/first"
    running = engine(server)
    server.answer = die
    with (
        BackWhenMissed(server.http.server_port, root="org/second"),
        pytest.raises(EngineError, match="was away and has another model now"),
    ):
        list(running.stream([request(str(n)) for n in range(8)]))
    running.close()


def test_a_run_shows_that_it_waits(server: Server, tmp_path: Path) -> None:
    server.close()
    shown = io.StringIO()
    config = RunConfig(
        data=[str(make_json_benchmark(tmp_path, 2))],
        data_root=tmp_path,
        results=tmp_path / "results",
        variant=["none"],
        reasoner=[f"openai:m@{server.url}"],
    )
    with BackWhenMissed(server.http.server_port):
        report = run(config, Display(Console(file=shown, width=500)))
    assert report.exit_code(max_failures=0) == 0
    (missed,) = [line for line in shown.getvalue().splitlines() if "Nobody answers" in line]
    assert "sking again in 1 s" in missed


def test_ctrl_c_ends_the_wait_for_a_server(tmp_path: Path) -> None:
    spec = make_json_benchmark(tmp_path, 2)
    command = [sys.executable, "-m", "racro_eval", "--data", str(spec), "--variant", "none"]
    where = ["--data-root", str(tmp_path), "--results", str(tmp_path / "results")]
    waiting = subprocess.Popen(
        [*command, *where, "--reasoner", f"openai:m@{GONE}"], stderr=subprocess.PIPE, text=True
    )
    assert waiting.stderr is not None
    while "sking again" not in (line := waiting.stderr.readline()):
        assert line, "it ended without having waited"
    waiting.send_signal(signal.SIGINT)
    _, said = waiting.communicate(timeout=120)
    assert waiting.returncode == 130, said


def test_as_many_requests_are_in_flight_as_allowed(server: Server) -> None:
    all_there = threading.Barrier(32)

    def together(body: dict[str, Any]) -> Answer:
        all_there.wait(60)
        return 200, reply("x")

    server.answer = together
    done = ask(server, *(request(str(n)) for n in range(64)))
    assert [one.texts for one in done.values()] == [("x",)] * 64


def test_a_closed_engine_ends_what_is_in_flight_and_takes_no_more(server: Server) -> None:
    gate = threading.Event()
    asked = threading.Event()

    def stuck(body: dict[str, Any]) -> Answer:
        asked.set()
        gate.wait()
        return 200, reply("too late")

    server.answer = stuck
    running = engine(server)
    closer = threading.Thread(target=lambda: asked.wait() and running.close())
    closer.start()
    with pytest.raises(EngineError, match="closed while requests were in flight"):
        list(running.stream([request()]))
    closer.join()
    gate.set()
    with pytest.raises(EngineError, match="The engine of m is closed"):
        list(running.stream([request()]))
    running.close()


def test_no_more_requests_are_in_flight_than_allowed(server: Server) -> None:
    lock, now, most = threading.Lock(), 0, 0
    gate = threading.Event()

    def slow(body: dict[str, Any]) -> Answer:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        gate.wait(0.05)
        with lock:
            now -= 1
        return 200, reply("x")

    server.answer = slow
    done = ask(server, *(request(str(n)) for n in range(20)), options={"concurrency": 3})
    assert len(done) == 20
    assert most <= 3


def test_ctrl_c_does_not_wait_for_an_answer(server: Server, tmp_path: Path) -> None:
    gate = threading.Event()

    def stuck(body: dict[str, Any]) -> Answer:
        if not re.search(r"picture [123]\?", str(body["messages"])):
            gate.wait()
        return 200, reply("an answer")

    def rows() -> list[dict[str, str]]:
        there = list((tmp_path / "results").rglob("none-????????.csv"))
        return read_csv(there[0]) if there else []

    server.answer = stuck
    spec = make_json_benchmark(tmp_path, 12)
    command = [sys.executable, "-m", "racro_eval", "--data", str(spec), "--variant", "none"]
    where = ["--data-root", str(tmp_path), "--results", str(tmp_path / "results")]
    run = subprocess.Popen(
        [*command, *where, "--reasoner", f"openai:m@{server.url}"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(lambda: (len(server.asked), len(rows())) == (12, 3), run)
        run.send_signal(signal.SIGINT)
        complaints = ends(run)  # it ends while the answers are kept back
    finally:
        gate.set()
    assert run.returncode == 130, complaints
    assert len(rows()) == 3


@pytest.mark.parametrize(
    "more",
    [
        {"tp": 2},
        {"dp": 2},
        {"options": {"concurency": 3}},
        {"options": {"retries": 0.5}},
        {"options": {"retries": -1}},
        {"options": {"timeout_s": 0}},
        {"options": {"wait_s": "long"}},
    ],
)
def test_settings_that_make_no_sense_are_refused(server: Server, more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        engine(server, **more)
