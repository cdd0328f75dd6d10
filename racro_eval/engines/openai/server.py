"""Requests to a server over HTTP, with retries and limits of time.

What goes wrong with one request is that request's failure (DataError). A server is dead only if it
answers nobody: after a lost connection or a request that took too long it is asked for its models,
and if that gets no answer either, it is waited for. Only then has the engine died (EngineError).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from http import HTTPStatus

import httpx2

from racro_eval.common.redaction import without_credentials
from racro_eval.engines.failures import describe
from racro_eval.engines.openai.access import BaseUrl, authorization, invalid_base_url
from racro_eval.engines.openai.error_body import failure_reason
from racro_eval.errors import ConfigError, DataError, EngineError

_LOG = logging.getLogger(__name__)
_MAX_REPLY_BYTES = 32 << 20
"""64,000 tokens with their log-probabilities take half of it."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0
_CONNECT_TIMEOUT_S = 30.0
_PROBE_TIMEOUT_S = 30.0
_NEVER = float("-inf")
_TRANSIENT_STATUSES = {408, 409, 429}
"""Statuses of a request that may succeed later, besides 500 and above."""
_AWAY_STATUSES = {502, 503, 504}
"""From a proxy without a server behind it, or from a server that is still loading its model."""


class _TransientError(Exception):
    """An attempt failed, but a later one may succeed. The text is a sentence.

    retry_after_s: how long the server asks to wait. away: whether the server may be gone.
    """

    def __init__(self, text: str, retry_after_s: float | None = None, away: bool = False) -> None:
        super().__init__(text)
        self.retry_after_s, self.away = retry_after_s, away


class Server:
    """One server with OpenAI's API. Its methods belong to one event loop.

    name: of the model, for messages. retries: further attempts after a failure that may pass.
    timeout_s: limit of a request, from its first byte to the last byte of the reply, with all
    attempts and pauses. wait_s: how long a server that answers nobody is waited for. when_back: is
    called, in a thread, when it answers again; what it raises ends the waiting.
    """

    def __init__(
        self,
        url: BaseUrl,
        name: str,
        retries: int,
        timeout_s: float,
        wait_s: float,
        when_back: Callable[[], None] = lambda: None,
    ) -> None:
        self._chat_url, self._models_url = _parsed(url, "chat/completions"), _parsed(url, "models")
        self._public_url, self._name = url.public, name
        self._retries, self._timeout_s, self._wait_s = retries, timeout_s, wait_s
        self._client = _client()
        self._when_back = when_back
        self._probing = asyncio.Lock()
        self._answered_at = self._back_at = _NEVER
        """When it last answered any request, and when it last came back after it had been away."""

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
                    except _TransientError as error:
                        failure = str(error)
                        if error.away:
                            await self._wait_outside(limit, began)
                        await asyncio.sleep(_next_pause(error.retry_after_s, pause))
                return await self._last_attempt(body)
        except TimeoutError:
            await self.wait_until_reachable(began)
            before = f" (before that: {failure})" if failure else ""
            raise DataError(
                f"The server did not finish its answer within {self._timeout_s:g} s, the timeout_s "
                f"of {self._name}{before}."
            ) from None

    async def _last_attempt(self, body: bytes) -> bytes:
        began = asyncio.get_running_loop().time()
        try:
            return await self._post(body)
        except _TransientError as error:
            if error.away:
                await self.wait_until_reachable(began)
            raise DataError(str(error)) from error

    async def wait_until_reachable(self, since: float = _NEVER) -> None:
        """Wait until the server has answered any request after `since`, a time of the event loop.

        Raises EngineError if it stays away or refuses the key.
        """
        async with self._probing:  # one task probes for all that wait
            if self._answered_at <= since:
                await self._wait()

    async def _wait_outside(self, limit: asyncio.Timeout, began: float) -> None:
        """`wait_until_reachable` outside a request's limit of time.

        The limit starts again if the server was away, else it goes on as before.
        """
        loop = asyncio.get_running_loop()
        ends = limit.when()
        limit.reschedule(None)
        await self.wait_until_reachable(began)
        limit.reschedule(loop.time() + self._timeout_s if self._back_at > began else ends)

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        began, pause = loop.time(), 1.0
        while reason := await self._away_reason():
            left = began + self._wait_s - loop.time()
            if left <= 0:
                raise self._gone(reason)
            pause = min(pause, left)
            _LOG.warning(
                f"Nobody answers at {self._public_url} for {self._name} ({reason}): asking again "
                f"in {pause:.0f} s, and for {left:.0f} s at most."
            )
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            self._back_at = loop.time()
        if self._back_at > began:
            _LOG.warning(f"{self._public_url} answers again.")
            await asyncio.to_thread(self._when_back)

    async def _away_reason(self) -> str:
        """Why the server seems to be away; "" if it is there. Raises EngineError for a bad key."""
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                response, body = await self._send("GET", self._models_url)
        except TimeoutError:
            return f"no answer within {_PROBE_TIMEOUT_S:g} s"
        except _TransientError as error:
            return describe(error.__cause__ or error)
        except DataError:
            return ""  # it answers; a server does not have to list its models
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise EngineError(
                f"The server at {self._public_url} refuses the key for {self._name}: set "
                "OPENAI_API_KEY."
            )
        if response.status_code in _AWAY_STATUSES:
            return _status_sentence(response.status_code, body)
        return ""

    def _gone(self, reason: str) -> EngineError:
        if self._answered_at == _NEVER:
            return EngineError(
                f"Nobody answers at {self._public_url} for {self._name} ({reason}): is the server "
                "running?"
            )
        return EngineError(
            f"The server at {self._public_url} for {self._name} went away and did not come back "
            f"within {self._wait_s:g} s ({reason}). Finished rows are kept; the same command goes "
            "on from them."
        )

    async def _post(self, body: bytes) -> bytes:
        """One attempt. Raises _TransientError, DataError or EngineError."""
        response, content = await self._send("POST", self._chat_url, body)
        status = response.status_code
        if response.is_success:
            return content
        if status == HTTPStatus.UNAUTHORIZED:
            await self._away_reason()  # raises if the key is refused, not only this prompt
        sentence = _status_sentence(status, content)
        if status in _TRANSIENT_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _TransientError(
                sentence, _retry_after(response.headers), away=status in _AWAY_STATUSES
            )
        raise DataError(sentence)

    async def _send(
        self, method: str, url: httpx2.URL, body: bytes | None = None
    ) -> tuple[httpx2.Response, bytes]:
        """The response and its body. Raises _TransientError if the connection is lost."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            async with self._client.stream(method, url, content=body, headers=headers) as response:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > _MAX_REPLY_BYTES:
                        raise DataError(
                            f"The server's reply is larger than {_MAX_REPLY_BYTES >> 20} MiB."
                        )
                if response.status_code not in _AWAY_STATUSES:
                    self._answered_at = asyncio.get_running_loop().time()
                return response, bytes(content)
        except httpx2.TransportError as error:
            raise _TransientError(
                f"The connection was lost: {describe(error)}", away=True
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:  # of a redirect, for instance
            raise DataError(f"The server's answer cannot be read: {describe(error)}") from error


def _parsed(url: BaseUrl, path: str) -> httpx2.URL:
    try:
        return httpx2.URL(url.endpoint(path))
    except httpx2.InvalidURL as error:
        raise invalid_base_url() from error


def _client() -> httpx2.AsyncClient:
    headers = {"Authorization": authorization()}
    try:
        return httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(None, connect=_CONNECT_TIMEOUT_S),
            limits=httpx2.Limits(max_connections=None),  # as many as there are requests in flight
            follow_redirects=True,
        )
    except (ImportError, OSError, ValueError, httpx2.InvalidURL) as error:
        raise ConfigError(
            "The proxy or the certificates that the environment names cannot be used: "
            f"{without_credentials(describe(error))}"
        ) from error


def _status_sentence(status: int, body: bytes) -> str:
    known = {code.value: f" {code.phrase}" for code in HTTPStatus}
    reason = failure_reason(body)
    answered = f"The server answered {status}{known.get(status, '')}"
    return f"{answered}: {reason}" if reason else f"{answered}."


def _pauses(number: int) -> list[float]:
    """Growing pauses in seconds, drawn at random so that not all requests come back at once."""
    longest = [min(_FIRST_PAUSE_S * 2**n, _LONGEST_PAUSE_S) for n in range(number)]
    return [random.uniform(pause / 2, pause) for pause in longest]


def _next_pause(retry_after_s: float | None, pause: float) -> float:
    return pause if retry_after_s is None else min(retry_after_s, _LONGEST_PAUSE_S)


def _retry_after(headers: httpx2.Headers) -> float | None:
    """How many seconds a server asks to wait, if it says so by a number."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if seconds >= 0:
            return seconds
    return None
