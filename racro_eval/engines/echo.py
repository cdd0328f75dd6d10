"""An engine without a model: its answers are immediate, deterministic and free.

For tests and for trying the whole pipeline. The answers are nonsense in the right format.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from racro_eval.data.images import decode, digest
from racro_eval.engines import options
from racro_eval.engines.base import Completion, EngineInfo, Request, Usage
from racro_eval.engines.failures import failed

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_VERSION = "1"  # increase it when the default reply to a prompt changes
_OPTION = re.compile(r"\(([A-E])\)|^\s*([A-E])[.)](?=\s)", re.MULTILINE)


class EchoEngine:
    """Answers with a sentence about the prompt and a boxed letter or digit.

    The answer depends only on the model's name, the messages, the bytes of the images and, if the
    temperature is above 0, the seed. Options of the entry:

    window (8): how many requests are pulled at a time; they are answered in reverse order, to
    reveal code that relies on the order of the requests.
    latency_s (0): seconds to sleep for each request.

    reply: returns the text for a request instead; an exception is the error of that request.
    """

    def __init__(
        self,
        entry: ModelEntry,
        reply: Callable[[Request], str] | None = None,
        max_images: int = 1,
    ) -> None:
        options.check_known("echo", entry.options, ("latency_s", "window"))
        self._window = options.whole_number("echo", entry.options, "window", 8)
        self._latency_s = options.seconds("echo", entry.options, "latency_s", 0.0)
        self._name = entry.name
        self._reply = reply or self._default_reply
        self.info = EngineInfo("echo", entry.model, {"echo": _VERSION})

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Complete the requests window by window, each window in reverse order."""
        waiting = iter(requests)
        while window := list(islice(waiting, self._window)):
            for request in reversed(window):
                yield self._complete(request)

    def close(self) -> None:
        """Nothing to free."""

    def _complete(self, request: Request) -> Completion:
        started = time.perf_counter()
        if self._latency_s:
            time.sleep(self._latency_s)
        try:
            for image in request.images:
                decode(image)
            full = self._reply(request)
        except Exception as error:  # whatever goes wrong with one request is data
            return failed(request, error, time.perf_counter() - started)
        text, truncated = _first_words(full, request.sampling.max_tokens)
        prompt_words = sum(len(message.content.split()) for message in request.messages)
        return Completion(
            request.id,
            texts=(text,),
            finish_reasons=("length" if truncated else "stop",),
            usage=Usage(prompt_words, len(text.split())),
            latency_s=time.perf_counter() - started,
        )

    def _default_reply(self, request: Request) -> str:
        characters = sum(len(message.content) for message in request.messages)
        prompt = "\n".join(m.content for m in request.messages if m.role == "user")
        letters = sorted({first or second for first, second in _OPTION.findall(prompt)})
        draw = self._draw(request)
        answer = letters[draw % len(letters)] if letters else str(draw % 10)
        return (
            f"{self._name} read {characters} characters and {len(request.images)} images. "
            f"The answer is \\boxed{{{answer}}}."
        )

    def _draw(self, request: Request) -> int:
        """A pseudo-random number, the same for the same question."""
        sampling = request.sampling
        question = [
            self._name,
            [[message.role, message.content] for message in request.messages],
            [digest(image) for image in request.images],
            sampling.seed if sampling.temperature > 0 else None,
        ]
        return int.from_bytes(hashlib.sha256(json.dumps(question).encode()).digest()[:8], "big")


def _first_words(text: str, limit: int) -> tuple[str, bool]:
    """The first `limit` words of the text, and whether there were more."""
    words = list(re.finditer(r"\S+", text))
    if len(words) <= limit:
        return text, False
    return text[: words[limit - 1].end()] if limit > 0 else "", True
