"""What a server says of a failure, whichever program wrote its body."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from racro_eval.engines.quoting import quoted

_PAGE = 4000
"""Characters of a web page or a text that are looked at."""
_DEPTH = 6
_KEYS = ("error", "message", "detail", "msg", "reason", "title")
"""Where the words stand: OpenAI, vLLM, llama.cpp, Ollama, TGI (error), FastAPI (detail, msg)."""
_CODES = ("type", "code", "status")


def parse_json(body: bytes) -> Any:
    """The JSON of a body. Raises ValueError for anything else: NaN, bad UTF-8, too deep."""
    try:
        return json.loads(body, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def stated_reason(body: bytes) -> str:
    """The words in the body of a failure that say why, on one line and short; "" if it is empty.

    A body of an unknown kind is quoted as it is.
    """
    text = body[: 4 * _PAGE].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")[:_PAGE]
    if is_page(text):
        return quoted(_page_words(text))
    if is_stream(text):
        body = text.partition("data:")[2].partition("\n")[0].encode()
    try:
        return words_in(parse_json(body)) or quoted(text)
    except ValueError:
        return quoted(text)


def words_in(value: Any) -> str:
    """The words in a JSON value that say why something failed, on one line; "" without any."""
    return quoted(_words(value))


def is_page(text: str) -> bool:
    """Whether a text is HTML or XML."""
    return text.startswith("<")


def is_stream(text: str) -> bool:
    """Whether a text is a stream of server-sent events."""
    return text.startswith(("data:", "event:", "id:", ": "))


def _words(value: Any, depth: int = _DEPTH) -> str:
    """The first words in a JSON value that say something; "" if there are none."""
    if depth == 0 or value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str):
        return _unwrapped(value.strip(), depth)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        found = [words for item in value[:3] if (words := _words(item, depth - 1))]
        return "; ".join(found)
    words = next((words for key in _KEYS if (words := _words(value.get(key), depth - 1))), "")
    if words and isinstance(place := value.get("loc"), list):
        return f"{'.'.join(str(part) for part in place)}: {words}"
    codes = [str(value[key]) for key in _CODES if isinstance(value.get(key), str | int)]
    return words or " ".join(codes)


def _unwrapped(text: str, depth: int) -> str:
    """The words of a text; a proxy wraps the JSON of the server behind it into one."""
    if text.startswith(("{", "[")) and len(text) <= _PAGE:
        try:
            return _words(parse_json(text.encode("utf-8", "replace")), depth - 1) or text
        except ValueError:
            pass
    return text


class _Page(HTMLParser):
    """Collects the title and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.title: list[str] = []
        self.text: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("title", "script", "style"):
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title.append(data)
        elif not self._inside:
            self.text.append(data)


def _page_words(page: str) -> str:
    """The title of a web page, or else its first words."""
    parser = _Page()
    try:
        parser.feed(page)
        parser.close()
    except Exception:  # a page that is none, AssertionError in html.parser; its text says enough
        return page
    return " ".join(parser.title).strip() or " ".join(parser.text).strip() or page
