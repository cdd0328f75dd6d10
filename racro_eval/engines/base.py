"""The contract between stages and engines. A stage does not know which engine it uses.

An engine takes a stream of requests and returns a stream of completions, in any order, as they
finish. It pulls a bounded number of requests in advance, and opens images only then, so memory does
not grow with the number of requests. The failure of one request is data (`Completion.error`); an
engine raises EngineError only if it can serve no request at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from racro_eval.data.images import Image


@dataclass(frozen=True, slots=True)
class Sampling:
    """How text is sampled. Temperature 0 is greedy; `top_k` 0 and `top_p` 1 switch them off.

    max_tokens: the limit of the generated text. seed: makes the sampling of this request
    repeatable, whatever else is in flight. logprobs: whether to return `Completion.token_logprobs`,
    which does not change the text.

    >>> from racro_eval import Sampling
    >>> Sampling(temperature=0.6, top_p=0.95, seed=1).max_tokens
    8192
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    max_tokens: int = 8192
    seed: int | None = None
    logprobs: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat. role: "system" or "user". content: its text.

    >>> from racro_eval import Message
    >>> Message("user", "How many dots?").role
    'user'
    """

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt. All images come before the text of the (single) user message.

    >>> from racro_eval import Message, Request, Sampling
    >>> request = Request("1", (Message("user", "1 + 1?"),), sampling=Sampling(max_tokens=16))
    >>> request.id, request.images
    ('1', ())
    """

    id: str
    messages: tuple[Message, ...]
    images: tuple[Image, ...] = ()
    sampling: Sampling = Sampling()


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts. An image counts as the tokens that the model sees of it."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """The result of the request with the same id.

    texts, finish_reasons ("stop" or "length"): one entry per generated text, without special
    tokens; both are empty if `error` is set. latency_s: seconds from the start of work on the
    request to its end. token_logprobs: if asked for, one list per text with the natural logarithm
    of the probability of each generated token, the last token included. The probabilities are the
    model's own: before penalty, temperature, top_k and top_p.

    >>> from racro_eval import Completion
    >>> completion = Completion("1", texts=("It is 2.",), finish_reasons=("stop",))
    >>> completion.texts[0] if completion.error is None else completion.error
    'It is 2.'
    """

    id: str
    texts: tuple[str, ...] = ()
    finish_reasons: tuple[str, ...] = ()
    usage: Usage = Usage()
    latency_s: float = 0.0
    error: str | None = None
    token_logprobs: tuple[tuple[float, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """An engine's registered name, its model, and the versions of the packages that it uses.

    device: "cpu" or "gpu"; empty if the engine does not compute by itself.
    """

    name: str
    model: str
    versions: dict[str, str]
    device: str = ""


class Engine(Protocol):
    """Anything that completes requests.

    >>> from racro_eval import Engine, Message, Request, create_engine, resolve_model
    >>> engine: Engine = create_engine(resolve_model("echo:m"), "echo")
    >>> [completion.id for completion in engine.stream([Request("1", (Message("user", "Hi"),))])]
    ['1']
    >>> engine.close()
    """

    info: EngineInfo

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Yield one completion per request, in any order, as they finish."""
        ...

    def close(self) -> None:
        """Free the engine's resources. Safe to call twice."""
        ...
