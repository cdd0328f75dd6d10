"""Any server that speaks OpenAI's chat API: vLLM's, SGLang's, a hosted one.

The key comes from the environment (OPENAI_API_KEY) and is written nowhere. The client library
retries what may pass (429, 5xx, a server that restarts) with growing pauses.
"""

from __future__ import annotations

import base64
import io
import os
import time
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

import openai

from racro_eval.data.images import Image, decode
from racro_eval.engines import options
from racro_eval.engines.base import Completion, EngineInfo, Request, Sampling, Usage
from racro_eval.engines.failures import failed
from racro_eval.engines.window import keep_in_flight
from racro_eval.errors import ConfigError, EngineError
from racro_eval.redaction import without_credentials

if TYPE_CHECKING:
    from racro_eval.models import ModelEntry

_NAME = "openai"
_KNOWN = ("concurrency", "retries", "timeout_s")
_MEDIA_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


class OpenAIEngine:
    """Asks the server at the entry's `base_url` (else OPENAI_BASE_URL) for its model.

    Options: concurrency (32), requests in flight; retries (8) of a request, with pauses that grow
    to 8 seconds each; timeout_s (1800) of one request. A wrong key or a server that stays away ends
    the stage with an EngineError; anything else that a request meets is its own error.
    """

    def __init__(self, entry: ModelEntry, max_images: int = 1) -> None:
        options.check_known(_NAME, entry.options, _KNOWN)
        if (entry.tp, entry.dp) != (1, 1):
            raise ConfigError("tp and dp are settings of the server; set them where it is started.")
        self._entry = entry
        self._concurrency = options.whole_number(_NAME, entry.options, "concurrency", 32)
        url = entry.base_url or os.environ.get("OPENAI_BASE_URL")
        self._url = without_credentials(url) if url else "OpenAI's own address"
        self._client = openai.OpenAI(
            base_url=entry.base_url,
            api_key=os.environ.get("OPENAI_API_KEY") or "none",
            max_retries=options.whole_number(_NAME, entry.options, "retries", 8),
            timeout=options.seconds(_NAME, entry.options, "timeout_s", 1800.0),
        )
        self._check_server()
        self.info = EngineInfo(_NAME, entry.model, {"openai": openai.__version__})

    def _check_server(self) -> None:
        """One cheap question, so that a wrong address or key is said before anything is sent."""
        try:
            self._client.with_options(max_retries=0, timeout=30).models.list()
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise self._refused() from error
        except openai.APIConnectionError as error:
            raise EngineError(
                f"Nobody answers at {self._url} for {self._entry.name}: is the server running?"
            ) from error
        except openai.APIStatusError:
            pass  # a server need not list its models

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Complete the requests as they finish."""
        answers: SimpleQueue[Completion | EngineError] = SimpleQueue()

        def send(request: Request) -> None:
            # A daemon, so that an interrupted run does not wait for what is in flight.
            Thread(target=self._answer, args=(request, answers), daemon=True).start()

        def receive() -> Completion:
            answer = answers.get()
            if isinstance(answer, EngineError):
                raise answer
            return answer

        return keep_in_flight(requests, self._concurrency, send, receive)

    def _answer(self, request: Request, answers: SimpleQueue[Completion | EngineError]) -> None:
        try:
            answers.put(self._complete(request))
        except EngineError as error:
            answers.put(error)

    def close(self) -> None:
        """Close the connections. Safe to call twice."""
        self._client.close()

    def _complete(self, request: Request) -> Completion:
        started = time.perf_counter()
        try:
            reply = self._client.chat.completions.create(
                model=self._entry.model,
                messages=_messages(request),
                **_parameters(request.sampling, self._entry.chat_template_kwargs),
            )
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise self._refused() from error
        except openai.APIConnectionError as error:
            raise EngineError(
                f"The server at {self._url} for {self._entry.name} went away and did not come back "
                f"({type(error).__name__}). Finished rows are kept; the same command goes on."
            ) from error
        except Exception as error:  # whatever goes wrong with one request is data
            return failed(request, error, time.perf_counter() - started)
        return _completion(request.id, reply, time.perf_counter() - started)

    def _refused(self) -> EngineError:
        return EngineError(
            f"The server at {self._url} refuses the key for {self._entry.name}: set OPENAI_API_KEY."
        )


def _messages(request: Request) -> Any:
    def content(role: str, text: str) -> Any:
        if role != "user" or not request.images:
            return text
        shown = [
            {"type": "image_url", "image_url": {"url": _data_url(image)}}
            for image in request.images
        ]
        return [*shown, {"type": "text", "text": text}]

    return [
        {"role": message.role, "content": content(message.role, message.content)}
        for message in request.messages
    ]


def _data_url(image: Image) -> str:
    """The image's own bytes if their format is one that servers read, else as PNG."""
    data = image.read()
    kind = next((name for start, name in _MEDIA_TYPES.items() if data.startswith(start)), None)
    if kind is None:
        buffer = io.BytesIO()
        decode(image).save(buffer, "PNG")
        data, kind = buffer.getvalue(), "image/png"
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _parameters(sampling: Sampling, template_kwargs: dict[str, Any]) -> dict[str, Any]:
    """Parameters of the API; what only some servers know is sent only if it is set."""
    extra: dict[str, Any] = {}
    if sampling.top_k:
        extra["top_k"] = sampling.top_k
    if sampling.repetition_penalty != 1:
        extra["repetition_penalty"] = sampling.repetition_penalty
    if template_kwargs:
        extra["chat_template_kwargs"] = template_kwargs
    parameters: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
    }
    if sampling.seed is not None:
        parameters["seed"] = sampling.seed
    if sampling.logprobs:
        parameters["logprobs"] = True
    return {**parameters, "extra_body": extra} if extra else parameters


def _completion(name: str, reply: Any, latency_s: float) -> Completion:
    usage = Usage(
        getattr(reply.usage, "prompt_tokens", 0) or 0,
        getattr(reply.usage, "completion_tokens", 0) or 0,
    )
    return Completion(
        name,
        texts=tuple(_text(choice.message) for choice in reply.choices),
        finish_reasons=tuple(
            "length" if choice.finish_reason == "length" else "stop" for choice in reply.choices
        ),
        usage=usage,
        latency_s=latency_s,
        token_logprobs=_logprobs(reply.choices),
    )


def _logprobs(choices: Any) -> tuple[tuple[float, ...], ...] | None:
    """None if they were not asked for, or the server gives none."""
    given = [choice.logprobs.content for choice in choices if choice.logprobs]
    if not given or None in given:
        return None
    return tuple(tuple(token.logprob for token in tokens) for tokens in given)


def _text(message: Any) -> str:
    """The answer; a thought that the server has split off goes back in front of it, in tags."""
    extra = message.model_extra or {}
    thought = extra.get("reasoning_content") or extra.get("reasoning") or ""
    answer = message.content or ""
    return f"<think>{thought}</think>{answer}" if thought else answer
