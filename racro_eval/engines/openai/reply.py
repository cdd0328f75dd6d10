"""From the body of a server's reply to a completion; what is no answer is a sentence that says so.

A body is whatever bytes came back with status 200. Nothing in it is trusted to be there or to be of
the right type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from racro_eval.engines.base import Completion, Usage
from racro_eval.engines.finish_reasons import finish_reason
from racro_eval.engines.openai.server_words import (
    is_page,
    is_stream,
    parse_json,
    stated_reason,
    words_in,
)
from racro_eval.engines.quoting import quoted
from racro_eval.errors import DataError
from racro_eval.thought import join

_THOUGHTS = ("reasoning_content", "reasoning")
"""Where servers put a thought that they split off."""
_MOST_TOKENS = 10**9
_LARGEST = 10**6
"""Of a log-probability, whichever its sign; servers write -9999 for minus infinity."""


def read_reply(name: str, body: bytes, latency_s: float) -> Completion:
    """The completion of the request of that name.

    Raises DataError, one sentence with the server's own reason if it gives one, for a body that
    holds no answer: an error inside a 200, no choice, no text, a refusal, a call of a tool, an end
    that is neither complete nor cut by a limit.
    """
    content = _content(body)
    choice = _choice(content)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise DataError(_saying("The server's reply has no message", words_in(choice)))
    _check_answers(message)
    reason = finish_reason(choice.get("finish_reason"))
    logprobs = _logprobs(choice.get("logprobs"))
    return Completion(
        name,
        texts=(_text(message, cut=reason == "length"),),
        finish_reasons=(reason,),
        usage=_usage(content.get("usage")),
        latency_s=latency_s,
        token_logprobs=None if logprobs is None else (logprobs,),
    )


def _content(body: bytes) -> dict[str, Any]:
    try:
        content = parse_json(body)
    except ValueError as error:
        raise DataError(_no_json(body)) from error
    if not isinstance(content, dict):
        raise DataError(_saying("The server's reply is no completion", stated_reason(body)))
    if content.get("error"):
        raise DataError(_saying("The server reports an error", words_in(content["error"])))
    return content


def _no_json(body: bytes) -> str:
    start = body[:1000].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if not start:
        return "The server's reply is empty."
    kind = "The server's reply is no JSON"
    if is_page(start):
        kind = "The server sent a web page instead of a reply"
    elif is_stream(start):
        kind = "The server sent a stream of events instead of one reply"
    return _saying(kind, stated_reason(body))


def _saying(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else f"{what}."


def _choice(content: Mapping[str, Any]) -> dict[str, Any]:
    """The first choice; more than one is never asked for."""
    choices = content.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise DataError(_saying("The server's reply has no choice", words_in(content)))
    if choice.get("error"):
        raise DataError(_saying("The server reports an error", words_in(choice["error"])))
    return choice


def _check_answers(message: Mapping[str, Any]) -> None:
    """Raise DataError if the model does something other than answer."""
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        raise DataError(f"The model refuses to answer: {quoted(refusal)}")
    if message.get("tool_calls") or message.get("function_call"):
        raise DataError("The model calls a tool instead of answering.")


def _text(message: Mapping[str, Any], *, cut: bool) -> str:
    """The answer; a thought that the server has split off goes back in front of it, in tags.

    cut: the limit came. A thought without an answer was then cut itself and stays open; otherwise
    it is closed and the answer is empty, for that is what the model said.
    """
    answer = _answer(message.get("content"))
    thought = next((text for key in _THOUGHTS if isinstance(text := message.get(key), str)), "")
    if thought and not answer:
        return join(thought, "", open=cut)
    if answer is None:
        raise DataError("The server's reply has no text.")
    return join(thought, answer)


def _answer(content: object) -> str | None:
    """The text of a message's content, which may be a list of parts; None if there is none."""
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise DataError(f"The answer is no text but {quoted(str(content), 80)!r}.")
    texts = [part.get("text") if _is_text(part) else None for part in content]
    known = [text for text in texts if isinstance(text, str)]
    if len(known) < len(texts):
        raise DataError(f"The answer has a part that is no text: {quoted(str(content), 80)!r}.")
    return "".join(known) if known else None


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") in ("text", "output_text")


def _usage(usage: object) -> Usage:
    counts = usage if isinstance(usage, dict) else {}
    return Usage(
        _whole_number(counts.get("prompt_tokens")), _whole_number(counts.get("completion_tokens"))
    )


def _whole_number(value: object) -> int:
    """A count of tokens; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value <= _MOST_TOKENS and value == int(value) else 0


def _logprobs(logprobs: object) -> tuple[float, ...] | None:
    """The log-probability of each token; None if the server gives none, or no whole list."""
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(tokens, list):
        return None
    found = [_number(token.get("logprob")) if isinstance(token, dict) else None for token in tokens]
    known = [number for number in found if number is not None]
    return tuple(known) if len(known) == len(found) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        return None
    return float(value)
