"""Any server with OpenAI's chat API: vLLM's, SGLang's, llama.cpp's, a hosted one.

The key comes from the environment (OPENAI_API_KEY) and is written nowhere. All requests in flight
are tasks of one event loop in a thread of its own, so that they can be cancelled at any time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING

import httpx2

from racro_eval.engines import options
from racro_eval.engines.base import Completion, EngineInfo, Request
from racro_eval.engines.failures import failed
from racro_eval.engines.openai import DEFAULT_WAIT_S
from racro_eval.engines.openai.access import parse_base_url
from racro_eval.engines.openai.event_loop import BackgroundLoop
from racro_eval.engines.openai.reply import read_reply
from racro_eval.engines.openai.request import request_body
from racro_eval.engines.openai.served_model import ServedModel, fetch_served_model
from racro_eval.engines.openai.server import Server
from racro_eval.engines.window import keep_in_flight
from racro_eval.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_NAME = "openai"
_PATIENCE_S = 30.0
"""A server that has just started may reject its first requests."""
_OPTIONS = ("concurrency", "retries", "timeout_s", "wait_s")


class OpenAIEngine:
    """Sends requests to the server at the entry's `base_url` (else OPENAI_BASE_URL). Options:

    concurrency (32): requests in flight. timeout_s (600): of a request, from its first byte to the
    last byte of the reply, with all retries; after it the row has failed. retries (8): of a request
    after a busy server or a lost connection, within timeout_s, with pauses that grow to a minute.
    wait_s (180): how long a server that answers nobody is waited for, at the start and later; after
    it the stage ends with an EngineError, as it does if the server refuses the key.
    """

    def __init__(self, entry: ModelEntry, max_images: int = 1) -> None:
        options.check_known(_NAME, entry.options, _OPTIONS)
        if (entry.tp, entry.dp) != (1, 1):
            raise ConfigError("tp and dp are settings of the server; set them where it is started.")
        self._entry = entry
        self._concurrency = options.whole_number(_NAME, entry.options, "concurrency", 32)
        self._server = Server(
            parse_base_url(entry.base_url),
            entry.name,
            retries=options.whole_number(_NAME, entry.options, "retries", 8, least=0),
            timeout_s=options.seconds(_NAME, entry.options, "timeout_s", 600.0, least=0.01),
            wait_s=options.seconds(_NAME, entry.options, "wait_s", DEFAULT_WAIT_S),
            when_back=self._check_model,
        )
        self._model: ServedModel | None = None
        self._loop = BackgroundLoop()
        try:
            # A wrong address or key is an error before any request is sent.
            self._loop.start(self._server.wait_until_reachable()).result()
            if entry.identity is None:
                self._model = fetch_served_model(entry, _PATIENCE_S)
        except BaseException:
            self.close()
            raise
        self.info = EngineInfo(_NAME, entry.model, {"httpx2": httpx2.__version__})

    def _check_model(self) -> None:
        """Raise EngineError if a server that was away has come back with another model."""
        if self._model is None:  # the first contact, or the entry has an identity
            return
        now = fetch_served_model(self._entry, _PATIENCE_S)
        if now != self._model:
            raise EngineError(
                f"The server at {now.url} for {self._entry.name} was away and has another model "
                "now. Finished rows are kept; start the run again."
            )

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Complete the requests as they finish. Raises EngineError if the server stays away."""
        answers: SimpleQueue[Completion | EngineError] = SimpleQueue()

        def send(request: Request) -> Completion | None:
            try:
                body = request_body(self._entry.model, request, self._entry.chat_template_kwargs)
            except Exception as error:  # an unreadable image, for instance
                return failed(request, error)
            try:
                answer = self._loop.start(self._answer(request, body))
            except RuntimeError as error:
                raise EngineError(f"The engine of {self._entry.name} is closed.") from error
            answer.add_done_callback(lambda done: answers.put(self._result(done)))
            return None

        def receive() -> Completion:
            answer = answers.get()
            if isinstance(answer, EngineError):
                raise answer
            return answer

        return keep_in_flight(requests, self._concurrency, send, receive)

    def close(self) -> None:
        """Cancel the requests in flight and close the connections. Safe to call twice."""
        self._loop.close(self._server.close())

    async def _answer(self, request: Request, body: bytes) -> Completion | EngineError:
        started = time.perf_counter()
        try:
            reply = await self._server.complete(body)
            return read_reply(request.id, reply, time.perf_counter() - started)
        except EngineError as error:
            return error
        except Exception as error:  # whatever goes wrong with one request is data
            return failed(request, error, time.perf_counter() - started)

    def _result(self, done: Future[Completion | EngineError]) -> Completion | EngineError:
        """The outcome of a request; of a cancelled one too, or `receive` would wait forever."""
        if not done.cancelled() and done.exception() is None:
            return done.result()
        return EngineError(
            f"The engine of {self._entry.name} was closed while requests were in flight."
        )
