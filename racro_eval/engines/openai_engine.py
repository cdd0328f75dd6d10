"""Any server that speaks OpenAI's chat API: vLLM's, SGLang's, llama.cpp's, a hosted one.

The key comes from the environment (OPENAI_API_KEY) and is written nowhere. All requests in flight
are tasks of one event loop in a thread of its own, so each of them can be ended at any time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import httpx2
from anyio.from_thread import start_blocking_portal

from racro_eval.engines import options
from racro_eval.engines.base import Completion, EngineInfo, Request
from racro_eval.engines.failures import failed
from racro_eval.engines.openai_reply import read_reply
from racro_eval.engines.openai_request import request_body
from racro_eval.engines.openai_server import Server
from racro_eval.engines.window import keep_in_flight
from racro_eval.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from racro_eval.models import ModelEntry

_NAME = "openai"
_KNOWN = ("concurrency", "retries", "timeout_s", "wait_s")


class OpenAIEngine:
    """Asks the server at the entry's `base_url` (else OPENAI_BASE_URL) for its model. Options:

    concurrency (32): requests in flight. timeout_s (600): of a request, from its first byte to the
    last one of the reply, whatever comes in between; then the row has failed. retries (6): of a
    request that meets a busy server or a lost connection, within timeout_s, with pauses that grow
    to a minute. wait_s (180): how long a server that answers nobody is waited for, at the start and
    later; then the stage ends with an EngineError. So does a key that the server refuses.
    """

    def __init__(self, entry: ModelEntry, max_images: int = 1) -> None:
        options.check_known(_NAME, entry.options, _KNOWN)
        if (entry.tp, entry.dp) != (1, 1):
            raise ConfigError("tp and dp are settings of the server; set them where it is started.")
        self._entry = entry
        self._concurrency = options.whole_number(_NAME, entry.options, "concurrency", 32)
        self._server = Server(
            entry.base_url,
            entry.name,
            retries=options.whole_number(_NAME, entry.options, "retries", 6, least=0),
            timeout_s=options.seconds(_NAME, entry.options, "timeout_s", 600.0, least=0.01),
            wait_s=options.seconds(_NAME, entry.options, "wait_s", 180.0),
        )
        self._in_flight: set[Future[None]] = set()
        self._closing = contextlib.ExitStack()
        self._portal = self._closing.enter_context(start_blocking_portal(name="openai"))
        self._closing.callback(self._portal.call, self._server.close)
        try:
            # A wrong address or key is said before anything is sent.
            self._start(self._server.until_there).result()
        except BaseException:
            self.close()
            raise
        self.info = EngineInfo(_NAME, entry.model, {"httpx2": httpx2.__version__})

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Complete the requests as they finish. Raises EngineError if the server is gone."""
        answers: SimpleQueue[Completion | EngineError] = SimpleQueue()

        def send(request: Request) -> Completion | None:
            try:
                body = request_body(self._entry.model, request, self._entry.chat_template_kwargs)
            except Exception as error:  # an unreadable image, say: that request's failure
                return failed(request, error)
            self._start(self._answer, request, body, answers)
            return None

        def receive() -> Completion:
            answer = answers.get()
            if isinstance(answer, EngineError):
                raise answer
            return answer

        return keep_in_flight(requests, self._concurrency, send, receive)

    def close(self) -> None:
        """Give up what is in flight and close the connections. Safe to call twice."""
        for future in tuple(self._in_flight):
            future.cancel()
        self._closing.close()

    def _start(self, work: Any, *arguments: object) -> Future[None]:
        """Begin a coroutine in the event loop."""
        try:
            future: Future[None] = self._portal.start_task_soon(work, *arguments)
        except RuntimeError as error:
            raise EngineError(f"The engine of {self._entry.name} is closed.") from error
        self._in_flight.add(future)
        future.add_done_callback(self._in_flight.discard)
        return future

    async def _answer(
        self, request: Request, body: bytes, answers: SimpleQueue[Completion | EngineError]
    ) -> None:
        """Put exactly one answer: whoever waits for it would wait for ever."""
        started = time.perf_counter()
        answer: Completion | EngineError = EngineError(
            f"The engine of {self._entry.name} was closed while requests were in flight."
        )
        try:
            reply = await self._server.complete(body)
            answer = read_reply(request.id, reply, time.perf_counter() - started)
        except EngineError as error:
            answer = error
        except Exception as error:  # whatever goes wrong with one request is data
            answer = failed(request, error, time.perf_counter() - started)
        finally:
            answers.put(answer)
