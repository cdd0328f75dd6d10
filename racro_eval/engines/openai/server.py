"""Asking a server over HTTP, with patience that ends.

What goes wrong with one request is that request's failure (DataError). A server is dead only if it
answers nobody: after a lost connection or a request that took too long it is asked for its models,
and if even that gets no answer it is waited for. Only then the engine has died (EngineError).
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable
from http import HTTPStatus

import httpx2

from racro_eval.common.redaction import without_credentials
from racro_eval.engines.failures import describe
from racro_eval.engines.openai.server_words import stated_reason
from racro_eval.errors import ConfigError, DataError, EngineError

_LOG = logging.getLogger(__name__)
_USUAL_ADDRESS = "https://api.openai.com/v1"
_MOST_BYTES = 32 << 20
"""Of a reply: 64,000 tokens with their log-probabilities take half of it."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0
_CONNECTED_WITHIN_S = 30.0
_THERE_WITHIN_S = 30.0
_NEVER = float("-inf")
_MAY_PASS = {408, 409, 429}
"""Statuses of a request that may succeed later, besides 500 and above."""
_AWAY = {502, 503, 504}
"""What a proxy says when there is no server behind it, or a server that still loads its model."""


class _MayPass(Exception):
    """A try that failed and may succeed later; its text is a sentence.

    retry_after_s: how long the server asks to wait. away: whether the server may be gone.
    """

    def __init__(self, text: str, retry_after_s: float | None = None, away: bool = False) -> None:
        super().__init__(text)
        self.retry_after_s, self.away = retry_after_s, away


class Server:
    """One server with OpenAI's API. Its methods belong to one event loop.

    address: the base URL, else OPENAI_BASE_URL, else OpenAI's own. name: the model's, for messages.
    retries: further tries of a request whose failure may pass. timeout_s: limit of a request, from
    its first byte to the last one of the reply, its tries and pauses included. wait_s: how long a
    server that answers nobody is waited for. when_back: called, in a thread, when it answers again;
    what it raises ends the waiting.
    """

    def __init__(
        self,
        address: str | None,
        name: str,
        retries: int,
        timeout_s: float,
        wait_s: float,
        when_back: Callable[[], None] = lambda: None,
    ) -> None:
        self._url = _address(address or os.environ.get("OPENAI_BASE_URL") or _USUAL_ADDRESS)
        self._name = name
        self._shown = str(self._url.copy_with(username=None, password=None, query=None))
        self._retries, self._timeout_s, self._wait_s = retries, timeout_s, wait_s
        self._client = _client(_key())
        self._when_back = when_back
        self._asking = asyncio.Lock()
        self._answered_at = self._back_at = _NEVER
        """When it last answered anybody, and when it last came back after it had been away."""

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def complete(self, body: bytes) -> bytes:
        """The body of the reply to a chat request.

        Raises DataError if this request gets none, EngineError if no request will get one.
        """
        loop = asyncio.get_running_loop()
        failure = ""
        began = loop.time()
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                for pause in _pauses(self._retries):
                    began = loop.time()
                    try:
                        return await self._post(body)
                    except _MayPass as problem:
                        failure = str(problem)
                        if problem.away:
                            await self._outside(limit, began)
                        await asyncio.sleep(_patience(problem.retry_after_s, pause))
                return await self._last_try(body)
        except TimeoutError:
            await self.until_there(began)
            before = f" (before that: {failure})" if failure else ""
            raise DataError(
                f"The server gave no whole answer within {self._timeout_s:g} s, the timeout_s of "
                f"{self._name}{before}."
            ) from None

    async def _last_try(self, body: bytes) -> bytes:
        began = asyncio.get_running_loop().time()
        try:
            return await self._post(body)
        except _MayPass as problem:
            if problem.away:
                await self.until_there(began)
            raise DataError(str(problem)) from problem

    async def until_there(self, since: float = _NEVER) -> None:
        """Wait until the server has answered somebody after `since`, a time of the event loop.

        Raises EngineError if it stays away or refuses the key.
        """
        async with self._asking:  # one asks for all that wait
            if self._answered_at <= since:
                await self._wait()

    async def _outside(self, limit: asyncio.Timeout, began: float) -> None:
        """`until_there` without a limit of time, which then begins anew if the server was away."""
        loop = asyncio.get_running_loop()
        ends = limit.when()
        limit.reschedule(None)
        await self.until_there(began)
        limit.reschedule(loop.time() + self._timeout_s if self._back_at > began else ends)

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        began, pause = loop.time(), 1.0
        while away := await self._why_away():
            left = began + self._wait_s - loop.time()
            if left <= 0:
                raise self._gone(away)
            pause = min(pause, left)
            _LOG.warning(
                f"Nobody answers at {self._shown} for {self._name} ({away}): asking again in "
                f"{pause:.0f} s, and for {left:.0f} s at most."
            )
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            self._back_at = loop.time()
        if self._back_at > began:
            _LOG.warning(f"{self._shown} answers again.")
            await asyncio.to_thread(self._when_back)

    async def _why_away(self) -> str:
        """Why the server seems to be away; "" if it is there. Raises EngineError if it refuses."""
        try:
            async with asyncio.timeout(_THERE_WITHIN_S):
                response, body = await self._send("GET", "models")
        except TimeoutError:
            return f"no answer within {_THERE_WITHIN_S:g} s"
        except _MayPass as problem:
            return describe(problem.__cause__ or problem)
        except DataError:
            return ""  # a strange answer, but an answer: a server need not list its models
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise EngineError(
                f"The server at {self._shown} refuses the key for {self._name}: set OPENAI_API_KEY."
            )
        return _sentence(response.status_code, body) if response.status_code in _AWAY else ""

    def _gone(self, away: str) -> EngineError:
        if self._answered_at == _NEVER:
            return EngineError(
                f"Nobody answers at {self._shown} for {self._name} ({away}): is the server running?"
            )
        return EngineError(
            f"The server at {self._shown} for {self._name} went away and did not come back "
            f"within {self._wait_s:g} s ({away}). Finished rows are kept; the same command goes on."
        )

    async def _post(self, body: bytes) -> bytes:
        """One try. Raises _MayPass, DataError or EngineError."""
        response, content = await self._send("POST", "chat/completions", body)
        status = response.status_code
        if response.is_success:
            return content
        if status == HTTPStatus.UNAUTHORIZED:
            await self._why_away()  # raises if it is the key, rather than this prompt
        sentence = _sentence(status, content)
        if status in _MAY_PASS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _MayPass(sentence, _retry_after(response.headers), away=status in _AWAY)
        raise DataError(sentence)

    async def _send(
        self, method: str, path: str, body: bytes | None = None
    ) -> tuple[httpx2.Response, bytes]:
        """What comes back, and its body. Raises _MayPass if the connection is lost."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        url = _below(self._url, path)
        try:
            async with self._client.stream(method, url, content=body, headers=headers) as response:
                content = bytearray()
                async for piece in response.aiter_bytes():
                    content += piece
                    if len(content) > _MOST_BYTES:
                        raise DataError(f"The server's reply has over {_MOST_BYTES >> 20} MiB.")
                if response.status_code not in _AWAY:
                    self._answered_at = asyncio.get_running_loop().time()
                return response, bytes(content)
        except httpx2.TransportError as error:
            raise _MayPass(f"The connection was lost: {describe(error)}", away=True) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise DataError(f"The server's answer cannot be read: {describe(error)}") from error


def _address(text: str) -> httpx2.URL:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError(
            "The base URL of a server must be an address such as http://127.0.0.1:8000/v1."
        )
    return url


def _client(key: str) -> httpx2.AsyncClient:
    try:
        return httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx2.Timeout(None, connect=_CONNECTED_WITHIN_S),
            limits=httpx2.Limits(max_connections=None),  # as many as there are requests in flight
            follow_redirects=True,
        )
    except (ImportError, OSError, ValueError, httpx2.InvalidURL) as error:
        raise ConfigError(
            "No server can be asked with the proxy or the certificates that the environment names: "
            f"{without_credentials(describe(error))}"
        ) from error


def _below(url: httpx2.URL, path: str) -> httpx2.URL:
    """The address of a path below a base URL, whose query (an API version, say) is kept."""
    base, mark, query = url.raw_path.partition(b"?")
    return url.copy_with(raw_path=base.rstrip(b"/") + b"/" + path.encode() + mark + query)


def _key() -> str:
    key = os.environ.get("OPENAI_API_KEY", "").strip() or "none"
    if not (key.isascii() and key.isprintable()):
        raise ConfigError("OPENAI_API_KEY holds characters that no key has.")
    return key


def _sentence(status: int, body: bytes) -> str:
    known = {code.value: f" {code.phrase}" for code in HTTPStatus}
    reason = stated_reason(body)
    answered = f"The server answered {status}{known.get(status, '')}"
    return f"{answered}: {reason}" if reason else f"{answered}."


def _pauses(number: int) -> list[float]:
    """Growing pauses in seconds, not the same for all that wait."""
    longest = [min(_FIRST_PAUSE_S * 2**n, _LONGEST_PAUSE_S) for n in range(number)]
    return [random.uniform(pause / 2, pause) for pause in longest]


def _patience(retry_after_s: float | None, pause: float) -> float:
    return pause if retry_after_s is None else min(retry_after_s, _LONGEST_PAUSE_S)


def _retry_after(headers: httpx2.Headers) -> float | None:
    """The seconds that a server asks to wait, if it says so in a number."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if seconds >= 0:
            return seconds
    return None
