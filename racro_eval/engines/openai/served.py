"""What a server says of the model behind a name: `GET /v1/models`, asked with care.

Two servers may serve different weights under one name, so a name identifies nothing. The address
does, together with what the server says of the model. Nothing that a server replies is trusted: a
reply has a limit in time and in size, any shape is taken, and what is kept is short and clean.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from racro_eval.errors import ConfigError, EngineError, ServerAwayError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_LOG = logging.getLogger(__name__)
_OPENAI = "https://api.openai.com/v1"
_REPLY_S = 30.0
"""For a whole reply, however slowly it comes."""
_LARGEST = 8 << 20
"""Bytes of a reply; the longest lists of hosted models take a tenth of it."""
_RECENT_S = 7 * 24 * 3600.0
_APART_S = 1.1
"""Between two questions: servers give `created` in whole seconds."""
_LONGEST_PAUSE_S = 60.0
_AWAY = (408, 425, 429, 502, 503, 504)
_REFUSED = 401
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Served:
    """A model behind a server. url: without credentials and query. facts: names and values.

    Without facts the server does not list its models, or not this one.
    """

    url: str
    facts: tuple[tuple[str, str], ...] = ()


def address(entry: ModelEntry) -> str:
    """Where an entry's server is: without credentials, query and a slash at its end."""
    url = _split(_given(entry))
    host = (url.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    place = f"{host}:{url.port}" if url.port else host
    return quote(f"{url.scheme}://{place}{url.path.rstrip('/')}", safe="/:@[]%-._~!$&'()*+,;=")


def ask(entry: ModelEntry, patience_s: float = 0.0) -> Served:
    """What the entry's server says of its model.

    patience_s: for so long a server that is away is asked again, which is logged as a warning.
    Raises ServerAwayError, EngineError for a key that is refused, ConfigError for a wrong address.
    """
    deadline, pause = time.monotonic() + patience_s, 1.0
    while True:
        try:
            return _ask_until_settled(entry)
        except ServerAwayError as error:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            pause = min(pause, left)
            _LOG.warning(f"{error} Asking again in {pause:.0f} s, and for {left:.0f} s at most.")
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)


def _ask_until_settled(entry: ModelEntry) -> Served:
    """What the server says the same of twice, if it names a time that may be that of the question.

    vLLM, SGLang and llama.cpp say as `created` when they were asked, Ollama when the model came to
    be; a time that is long past cannot be the former.
    """
    first = _facts(_listing(entry), entry.model)
    created = int(first.get("created", 0))
    if created and abs(time.time() - created) < _RECENT_S:
        time.sleep(_APART_S)
        again = _facts(_listing(entry), entry.model)
        first = {name: value for name, value in first.items() if again.get(name) == value}
    return Served(address(entry), tuple(sorted(first.items())))


def _listing(entry: ModelEntry) -> Any:
    """The server's list of models as parsed JSON, or None if it has none to give."""
    import requests

    url = address(entry)
    try:
        status, body = _in_time(lambda: _get(_given(entry)), url, entry.name)
    except requests.TooManyRedirects:
        return None  # a strange answer, but an answer
    if status == _REFUSED:
        raise EngineError(
            f"The server at {url} refuses the key for {entry.name}: set OPENAI_API_KEY."
        )
    if status in _AWAY:
        raise ServerAwayError(f"The server at {url} for {entry.name} is away (HTTP {status}).")
    if status != 200 or len(body) > _LARGEST:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _in_time(question: Callable[[], tuple[int, bytes]], url: str, name: str) -> tuple[int, bytes]:
    """The answer of a question that is given up after a while, wherever it hangs.

    Raises ServerAwayError, or what `requests` raises for an answer that leads nowhere.
    """
    import requests

    answers: SimpleQueue[tuple[int, bytes] | Exception] = SimpleQueue()

    def put() -> None:
        try:
            answers.put(question())
        except Exception as error:  # of whichever library is below
            answers.put(error)

    threading.Thread(target=put, daemon=True).start()
    try:
        answer = answers.get(timeout=_REPLY_S)
    except Empty:
        raise ServerAwayError(
            f"Nobody answers at {url} for {name} within {_REPLY_S:.0f} s: is the server busy?"
        ) from None
    if isinstance(answer, requests.TooManyRedirects):
        raise answer
    if isinstance(answer, Exception):
        raise ServerAwayError(
            f"Nobody answers at {url} for {name}: is the server running?"
        ) from answer
    return answer


def _get(base_url: str) -> tuple[int, bytes]:
    """Status and body of GET <base_url>/models, the body cut above the largest that counts."""
    import requests

    url = urlsplit(base_url)
    target = urlunsplit(url._replace(path=url.path.rstrip("/") + "/models", fragment=""))
    auth = None if url.username else _with_key  # else requests might take a netrc's password
    with requests.get(
        target, auth=auth, timeout=_REPLY_S, stream=True, headers={"Accept-Encoding": "identity"}
    ) as response:
        body = bytearray()
        for piece in response.iter_content(1 << 16):
            body += piece
            if len(body) > _LARGEST:
                break
        return response.status_code, bytes(body)


def _with_key(request: Any) -> Any:
    request.headers["Authorization"] = f"Bearer {_key() or 'none'}"
    return request


def _key() -> str:
    return os.environ.get("OPENAI_API_KEY", "").strip()


def _given(entry: ModelEntry) -> str:
    return entry.base_url or os.environ.get("OPENAI_BASE_URL") or _OPENAI


def _split(text: str) -> Any:
    try:
        url = urlsplit(text.strip())
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        usable = False
    if not usable:
        raise ConfigError(
            "A model's base_url (or OPENAI_BASE_URL) must look like http://host:8000/v1."
        )
    return url


def _facts(listing: Any, model: str) -> dict[str, str]:
    """What a list of models says of one, as far as it may identify the weights."""
    entries = listing.get("data") if isinstance(listing, dict) else listing
    entries = entries if isinstance(entries, list) else []
    found = next((one for one in entries if isinstance(one, dict) and one.get("id") == model), {})
    meta = found.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    numbers = {
        "created": found.get("created"),
        "parameters": meta.get("n_params"),  # these two are llama.cpp's
        "bytes": meta.get("size"),
    }
    facts = {name: str(int(value)) for name, value in _positive(numbers.items())}
    root = found.get("root")
    return facts | {"root": _short(root)} if isinstance(root, str) and root else facts


def _positive(numbers: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, float]]:
    for name, value in numbers:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and math.isfinite(value) and 0 < value < 1 << 53:
            yield name, value


def _short(text: str) -> str:
    """A server's text in one word of plain letters; a path by its end and a hash of the whole."""
    if key := _key():
        text = text.replace(key, "***")
    path = re.fullmatch(r"(?:/|~|[A-Za-z]:\\).*?([^/\\]*)[/\\]*", text, re.DOTALL)
    word = quote(path[1] if path else text, safe="/:@+", errors="replace")
    if path or len(word) > _LONGEST:
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
        word = f"{word[:_LONGEST]}#{digest}"
    return word
