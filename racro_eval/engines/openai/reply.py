"""From the body of a server's reply to a completion, or to a sentence that says why there is none.

The body is whatever bytes came with status 200. No field is trusted to be there or to have the
right type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from racro_eval.engines.base import Completion, Usage
from racro_eval.engines.failures import one_line
from racro_eval.engines.finish_reasons import finish_reason
from racro_eval.engines.openai.error_body import (
    LONGEST_REASON,
    failure_reason,
    is_page,
    is_stream,
    parse_json,
    reason_in,
)
from racro_eval.errors import DataError
from racro_eval.thought import join

_THOUGHT_KEYS = ("reasoning_content", "reasoning")
"""Where servers put the thought if they split it off from the answer."""
_MAX_TOKENS = 10**9
_MAX_LOGPROB = 10**6
"""The largest absolute value; servers write -9999 for minus infinity."""
_QUOTED = 80
"""Characters of a value that is quoted in a message."""


def read_reply(request_id: str, body: bytes, latency_s: float) -> Completion:
    """The completion of the request with that id.

    Raises DataError, one sentence with the server's own reason if it states one, for a body without
    an answer: an error with status 200, no choice, no text, a refusal, a tool call, or an end that
    is neither "stop" nor a limit.
    """
    content = _content(body)
    choice = _choice(content)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise DataError(_with_reason("The server's reply has no message", reason_in(choice)))
    _check_answers(message)
    reason = finish_reason(choice.get("finish_reason"))
    logprobs = _logprobs(choice.get("logprobs"))
    return Completion(
        request_id,
        texts=(_text(message, truncated=reason == "length"),),
        finish_reasons=(reason,),
        usage=_usage(content.get("usage")),
        latency_s=latency_s,
        token_logprobs=None if logprobs is None else (logprobs,),
    )


def _content(body: bytes) -> dict[str, Any]:
    try:
        content = parse_json(body)
    except ValueError as error:
        raise DataError(_not_json(body)) from error
    if not isinstance(content, dict):
        raise DataError(
            _with_reason("The server's reply is not a completion", failure_reason(body))
        )
    if content.get("error"):
        raise DataError(_with_reason("The server reports an error", reason_in(content["error"])))
    return content


def _not_json(body: bytes) -> str:
    start = body[:1000].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if not start:
        return "The server's reply is empty."
    problem = "The server's reply is not JSON"
    if is_page(start):
        problem = "The server sent a web page instead of a reply"
    elif is_stream(start):
        problem = "The server sent a stream of events instead of a single reply"
    return _with_reason(problem, failure_reason(body))


def _with_reason(problem: str, reason: str) -> str:
    return f"{problem}: {reason}" if reason else f"{problem}."


def _choice(content: Mapping[str, Any]) -> dict[str, Any]:
    """The first choice; a request asks for one."""
    choices = content.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise DataError(_with_reason("The server's reply has no choice", reason_in(content)))
    if choice.get("error"):
        raise DataError(_with_reason("The server reports an error", reason_in(choice["error"])))
    return choice


def _check_answers(message: Mapping[str, Any]) -> None:
    """Raise DataError if the model refuses, or calls a tool, instead of answering."""
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        raise DataError(f"The model refuses to answer: {one_line(refusal, LONGEST_REASON)}")
    if message.get("tool_calls") or message.get("function_call"):
        raise DataError("The model calls a tool instead of answering.")


def _text(message: Mapping[str, Any], *, truncated: bool) -> str:
    """The answer, with the thought that the server split off in front of it, in tags.

    truncated: the limit was reached. Then a thought without an answer is itself truncated and its
    tag stays open; otherwise the tag is closed and the answer is empty.
    """
    answer = _answer(message.get("content"))
    thought = next((text for key in _THOUGHT_KEYS if isinstance(text := message.get(key), str)), "")
    if thought and not answer:
        return join(thought, "", open=truncated)
    if answer is None:
        raise DataError("The server's reply has no text.")
    return join(thought, answer)


def _answer(content: object) -> str | None:
    """The text of a message's content, which may be a list of parts; None if there is none."""
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise DataError(f"The answer is not a text: '{one_line(str(content), _QUOTED)}'.")
    texts = [text for part in content if isinstance(text := _part_text(part), str)]
    if len(texts) < len(content):
        shown = one_line(str(content), _QUOTED)
        raise DataError(f"The answer has a part that is not a text: '{shown}'.")
    return "".join(texts) if texts else None


def _part_text(part: object) -> object:
    if isinstance(part, dict) and part.get("type") in ("text", "output_text"):
        return part.get("text")
    return None


def _usage(usage: object) -> Usage:
    counts = usage if isinstance(usage, dict) else {}
    return Usage(
        _token_count(counts.get("prompt_tokens")), _token_count(counts.get("completion_tokens"))
    )


def _token_count(value: object) -> int:
    """A count of tokens; 0 if the value is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value <= _MAX_TOKENS and value == int(value) else 0


def _logprobs(logprobs: object) -> tuple[float, ...] | None:
    """The log-probability of each token; None if that of any token is missing."""
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(tokens, list):
        return None
    values = [_logprob(token.get("logprob")) for token in tokens if isinstance(token, dict)]
    known = [value for value in values if value is not None]
    return tuple(known) if len(known) == len(tokens) else None


def _logprob(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _MAX_LOGPROB:
        return None
    return float(value)
