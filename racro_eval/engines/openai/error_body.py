"""The reason of a failure in the body of a server's reply, whichever program wrote it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from racro_eval.engines.failures import one_line

LONGEST_REASON = 300
"""Characters of a server's own words in a message of ours."""
_READ_LENGTH = 4000
"""Characters of a web page or a text that are read."""
_DEPTH = 6
_REASON_KEYS = ("error", "message", "detail", "msg", "reason", "title")
"""Keys of the reason: OpenAI, vLLM, llama.cpp, Ollama, TGI (error), FastAPI (detail, msg)."""
_CODE_KEYS = ("type", "code", "status")


def parse_json(body: bytes) -> Any:
    """The JSON of a body. Raises ValueError for anything else: NaN, bad UTF-8, too deep."""
    try:
        return json.loads(body, parse_constant=_reject_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def failure_reason(body: bytes) -> str:
    """The reason in the body of a failure, as one short line; "" if the body is empty.

    A body of an unknown kind is its own reason.
    """
    text = (
        body[: 4 * _READ_LENGTH].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")[:_READ_LENGTH]
    )
    if is_page(text):
        return _short(_page_text(text))
    if is_stream(text):
        body = text.partition("data:")[2].partition("\n")[0].encode()
    try:
        return reason_in(parse_json(body)) or _short(text)
    except ValueError:
        return _short(text)


def reason_in(value: Any) -> str:
    """The reason of a failure in a JSON value, as one short line; "" if there is none."""
    return _short(_reason(value))


def _short(text: str) -> str:
    return one_line(text, LONGEST_REASON)


def is_page(text: str) -> bool:
    """Whether a text is HTML or XML."""
    return text.startswith("<")


def is_stream(text: str) -> bool:
    """Whether a text is a stream of server-sent events."""
    return text.startswith(("data:", "event:", "id:", ": "))


def _reason(value: Any, depth: int = _DEPTH) -> str:
    """The first text in a JSON value that may be a reason; "" if there is none."""
    if depth == 0 or value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str):
        return _unwrapped(value.strip(), depth)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return "; ".join(filter(None, (_reason(item, depth - 1) for item in value[:3])))
    reasons = (_reason(value.get(key), depth - 1) for key in _REASON_KEYS)
    reason = next(filter(None, reasons), "")
    if reason and isinstance(location := value.get("loc"), list):
        return f"{'.'.join(str(part) for part in location)}: {reason}"
    codes = [str(value[key]) for key in _CODE_KEYS if isinstance(value.get(key), str | int)]
    return reason or " ".join(codes)


def _unwrapped(text: str, depth: int) -> str:
    """The reason in a text; a proxy may wrap the JSON of the server behind it in one."""
    if text.startswith(("{", "[")) and len(text) <= _READ_LENGTH:
        try:
            return _reason(parse_json(text.encode("utf-8", "replace")), depth - 1) or text
        except ValueError:
            pass
    return text


class _PageParser(HTMLParser):
    """Collects the title and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.title: list[str] = []
        self.text: list[str] = []
        self._element = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("title", "script", "style"):
            self._element = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._element:
            self._element = ""

    def handle_data(self, data: str) -> None:
        if self._element == "title":
            self.title.append(data)
        elif not self._element:
            self.text.append(data)


def _page_text(page: str) -> str:
    """The title of a web page, or else its text."""
    parser = _PageParser()
    try:
        parser.feed(page)
        parser.close()
    except Exception:  # invalid HTML: html.parser raises AssertionError
        return page
    return " ".join(parser.title).strip() or " ".join(parser.text).strip() or page
