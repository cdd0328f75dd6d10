"""What a server says about the model behind a name: `GET /v1/models`.

Two servers may serve different weights under one name, so a name identifies nothing. The address
does, together with what the server says about the model. No reply is trusted: it is limited in time
and in size, it may have any shape, and what is kept of it is short and clean.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from racro_eval.engines.openai.access import BaseUrl, api_key, authorization, parse_base_url
from racro_eval.errors import EngineError, ServerAwayError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_LOG = logging.getLogger(__name__)
_REPLY_TIMEOUT_S = 30.0
"""For a whole reply, however slowly it comes."""
_MAX_REPLY_BYTES = 8 << 20
"""The longest lists of hosted models take a tenth of it."""
_RECENT_S = 7 * 24 * 3600.0
_REPEATED_AFTER_S = 1.1
"""Between two requests: servers write `created` in whole seconds."""
_LONGEST_PAUSE_S = 60.0
_AWAY_STATUSES = (408, 425, 429, 502, 503, 504)
_LONGEST_WORD = 80


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model behind a server. url: without credentials and query. facts: names and values.

    facts is empty if the server does not list its models, or not this one.
    """

    url: str
    facts: tuple[tuple[str, str], ...] = ()


def fetch_served_model(entry: ModelEntry, patience_s: float = 0.0) -> ServedModel:
    """What the entry's server says about its model.

    patience_s: how long a server that is away is asked again; each time a warning is logged.
    Raises ServerAwayError, EngineError for a rejected key, ConfigError for an invalid base URL.
    """
    deadline, pause = time.monotonic() + patience_s, 1.0
    while True:
        try:
            return _fetch(entry)
        except ServerAwayError as error:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            pause = min(pause, left)
            _LOG.warning(f"{error} Asking again in {pause:.0f} s, and for {left:.0f} s at most.")
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)


def _fetch(entry: ModelEntry) -> ServedModel:
    """The facts that identify the weights: those that do not depend on the time of the request.

    vLLM, SGLang and llama.cpp write the time of the request as `created`, Ollama the time when the
    model was made. A recent time is therefore kept only if a second request returns the same.
    """
    url = parse_base_url(entry.base_url)
    facts = _facts(_fetch_list(entry, url), entry.model)
    created = int(facts.get("created", 0))
    if created and abs(time.time() - created) < _RECENT_S:
        time.sleep(_REPEATED_AFTER_S)
        repeated = _facts(_fetch_list(entry, url), entry.model)
        facts = {name: value for name, value in facts.items() if repeated.get(name) == value}
    return ServedModel(url.public, tuple(sorted(facts.items())))


def _fetch_list(entry: ModelEntry, url: BaseUrl) -> Any:
    """The server's list of models as parsed JSON, or None if it has none."""
    import requests

    key = authorization()
    try:
        status, body = _limited(lambda: _get_models(url, key), url, entry.name)
    except requests.TooManyRedirects:
        return None  # the server is there, although it has no list
    if status == HTTPStatus.UNAUTHORIZED:
        raise EngineError(
            f"The server at {url.public} refuses the key for {entry.name}: set OPENAI_API_KEY."
        )
    if status in _AWAY_STATUSES:
        raise ServerAwayError(
            f"The server at {url.public} for {entry.name} is away (HTTP {status})."
        )
    if status != HTTPStatus.OK or len(body) > _MAX_REPLY_BYTES:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _limited(
    request: Callable[[], tuple[int, bytes]], url: BaseUrl, name: str
) -> tuple[int, bytes]:
    """The result of a request that is given up after a while, wherever it blocks.

    Raises ServerAwayError, or TooManyRedirects of `requests`.
    """
    import requests

    results: SimpleQueue[tuple[int, bytes] | Exception] = SimpleQueue()

    def put() -> None:
        try:
            results.put(request())
        except Exception as error:  # of requests, urllib3 or the standard library
            results.put(error)

    threading.Thread(target=put, daemon=True).start()
    try:
        result = results.get(timeout=_REPLY_TIMEOUT_S)
    except Empty:
        raise ServerAwayError(
            f"Nobody answers at {url.public} for {name} within {_REPLY_TIMEOUT_S:.0f} s: is the "
            "server busy?"
        ) from None
    if isinstance(result, requests.TooManyRedirects):
        raise result
    if isinstance(result, Exception):
        raise ServerAwayError(
            f"Nobody answers at {url.public} for {name}: is the server running?"
        ) from result
    return result


def _get_models(url: BaseUrl, key: str) -> tuple[int, bytes]:
    """Status and body of GET <base URL>/models; the body ends soon after the largest size."""
    import requests

    def add_key(request: Any) -> Any:
        request.headers["Authorization"] = key
        return request

    with requests.get(
        url.endpoint("models"),
        auth=None if url.has_credentials else add_key,  # as a header, a netrc would replace it
        timeout=_REPLY_TIMEOUT_S,
        stream=True,
        headers={"Accept-Encoding": "identity"},
    ) as response:
        body = bytearray()
        for chunk in response.iter_content(1 << 16):
            body += chunk
            if len(body) > _MAX_REPLY_BYTES:
                break
        return response.status_code, bytes(body)


def _facts(listing: Any, model: str) -> dict[str, str]:
    """What a list of models says about one of them, as far as it may identify the weights."""
    entries = listing.get("data") if isinstance(listing, dict) else listing
    entries = entries if isinstance(entries, list) else []
    named = (item for item in entries if isinstance(item, dict) and item.get("id") == model)
    entry = next(named, {})
    meta = entry.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    numbers = {
        "created": entry.get("created"),
        "parameters": meta.get("n_params"),  # this and the size are llama.cpp's
        "bytes": meta.get("size"),
    }
    facts = {name: str(int(value)) for name, value in _positive(numbers.items())}
    root = entry.get("root")
    return facts | {"root": _clean_word(root)} if isinstance(root, str) and root else facts


def _positive(numbers: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, float]]:
    for name, value in numbers:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and math.isfinite(value) and 0 < value < 1 << 53:
            yield name, value


def _clean_word(text: str) -> str:
    """A server's text as one word of ASCII; of a path, its last part and a hash of the whole."""
    if key := api_key():
        text = text.replace(key, "***")
    path = re.fullmatch(r"(?:/|~|[A-Za-z]:\\).*?([^/\\]*)[/\\]*", text, re.DOTALL)
    word = quote(path[1] if path else text, safe="/:@+", errors="replace")
    if path or len(word) > _LONGEST_WORD:
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
        word = f"{word[:_LONGEST_WORD]}#{digest}"
    return word
