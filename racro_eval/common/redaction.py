"""The secrets of this process, kept out of every text that is stored or shown.

A server may echo a key in an error or in an answer, and a base URL may hold a password. Known are:

- the values of environment variables whose name contains KEY, TOKEN, SECRET, PASSWORD or
  CREDENTIAL (but for words such as KEYMAP and TOKENIZERS), if `is_secret` holds for them;
- of each URL in the environment, in settings and on the command line: user, password and the values
  of its query, likewise; the whole `user:password` in front of a host, and in base64, always.

Each is known in the spellings that servers echo: quoted for URLs, JSON, HTML, Python, and base64.
The boundaries call this: `records.encode_row`, `sidecar.write_sidecar`, `printable.printable` and
the formats of the leaderboard. A text that is cut must be redacted before it is cut.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

MARK = "[redacted]"
"""What stands in place of a secret."""

_SECRET_NAME = re.compile(
    r"KEY(?!MAP|BOARD)|TOKEN(?!I[SZ])|SECRET|PASSWO?R?D|PASSPHRASE|CREDENTIAL", re.IGNORECASE
)
_HARMLESS_QUERY = re.compile(r"version|model|deployment|region|format", re.IGNORECASE)
"""Names in a query whose values are no secrets anywhere else: `?api-version=2024-02-01-preview`."""
_SHORTEST = 8
_URL_SAFE = str.maketrans("+/", "-_")
_PLAIN = re.compile(r"[^\W\d_]{1,11}|[\d\W_]{1,19}|[+-]?[\d.,_]{1,19}e[+-]?\d{1,3}")
"""One word, or a text without letters (a number, a date), or a number with an exponent."""
_URL = re.compile(
    r"://(?P<user>[^\s/?#]*@|[^\s/?#:@]*:(?!\d+(?:[/?#]|$))[^\s@]*@)?"
    r"(?P<rest>[^\s?#]*)(?P<query>\?[^\s#]*)?"
)
"""A URL from its `://` on. A password may hold a slash, which a port cannot be taken for."""
_PAIR = re.compile(r"[?&;](?P<name>[^\s?=&;#]+)=(?P<value>[^\s&;#]+)")

_needles: dict[str, str] = {}
"""Spelling of a secret → what stands in its place; the longest first, so that none leaves a rest.

A search for each is many times faster than one expression for all.
"""
_seen: set[str] = set()
"""Texts whose secrets are known."""


def redacted(text: str) -> str:
    """The text with the mark in place of each secret that is known."""
    for needle, replacement in _needles.items():
        if needle in text:
            text = text.replace(needle, replacement)
    return text


def redacted_values(value: Any) -> Any:
    """A value of JSON's types with all texts in it redacted; keys stay."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {key: redacted_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted_values(item) for item in value]
    return value


def without_credentials(text: str) -> str:
    """The text with user, password and the values of queries taken out of its URLs.

    What is left is the same for every password: it may be stored, and may tell servers apart.
    """
    return _URL.sub(_without_credentials, text)


def _without_credentials(url: re.Match[str]) -> str:
    query = re.sub(r"=[^&;]*", f"={MARK}", url["query"] or "")
    return f"://{url['rest']}{query}"


def is_secret(value: str) -> bool:
    """Whether a value would be a secret if it stood where secrets stand.

    Values under 8 characters, single words of up to 11 letters, numbers, dates and existing paths
    are none: in place of them the mark would spoil answers.
    """
    if len(value) < _SHORTEST or _PLAIN.fullmatch(value):
        return False
    return not os.path.exists(os.path.expanduser(value))


def learn_environment() -> None:
    """Know the secrets that are in the environment now."""
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name):
            _learn_secret(value.strip())
        if name.lower().endswith("_proxy") and "://" not in value:
            value = f"://{value}"
        learn(value)


def learn(value: Any) -> None:
    """Know the secrets in the URLs of a text, or of all texts in a mapping or a list."""
    if isinstance(value, str):
        if "://" in value and value not in _seen:
            _seen.add(value)
            for url in _URL.finditer(value):
                if url["user"]:
                    _learn_user(url["user"].removesuffix("@"))
            for pair in _PAIR.finditer(value.partition("://")[2]):
                _learn_pair(pair["name"], pair["value"])
    elif isinstance(value, dict):
        for item in value.values():
            learn(item)
    elif isinstance(value, list | tuple):
        for item in value:
            learn(item)


def _learn_secret(value: str) -> None:
    if value in _seen or not is_secret(value):
        return
    _seen.add(value)
    # A key of several lines is echoed in one line, or line by line.
    parts = {value, " ".join(value.split())}
    parts |= {line.strip() for line in value.splitlines() if not line.startswith("-----")}
    _add({one: MARK for part in parts if is_secret(part) for one in _spellings(part)})


def _learn_user(user: str) -> None:
    """user: what stands before the `@` of a URL."""
    plain = unquote(user)
    _add({f"//{user}@": f"//{MARK}@"})
    if ":" in plain and len(plain) >= _SHORTEST - 2:
        _add({_base64(plain): MARK})
    for part in (*user.split(":", 1), *plain.split(":", 1)):
        _learn_secret(part)


def _learn_pair(name: str, value: str) -> None:
    """A name and a value in the query of a URL."""
    _add({f"{before}{name}={value}": f"{before}{name}={MARK}" for before in "?&;"})
    if not _HARMLESS_QUERY.search(name):
        _learn_secret(value)
        _learn_secret(unquote_plus(value))


def _spellings(secret: str) -> set[str]:
    """A secret as it stands in URLs, JSON, HTML and Python texts, and in one of these in another;
    and in base64, as a header or a file of settings has it."""
    found = {secret}
    for _ in range(2):
        for text in tuple(found):
            quoted = {_quoted(text, ""), _quoted(text, "/"), _quoted(text, " ").replace(" ", "+")}
            found |= quoted | {re.sub("%..", lambda at: at[0].lower(), one) for one in quoted}
            found |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
            found |= {text.replace("/", r"\/"), html.escape(text), repr(text)[1:-1]}
    return found | {_base64(secret), _base64(secret).translate(_URL_SAFE)}


def _quoted(text: str, safe: str) -> str:
    return quote(text, safe=safe, errors="surrogatepass")


def _base64(text: str) -> str:
    """Without the padding, which is not everywhere."""
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def _add(replacements: Mapping[str, str]) -> None:
    global _needles
    if not _needles.keys() >= replacements.keys():
        known = {**_needles, **replacements}  # a new one, since other threads may read the old
        _needles = {needle: known[needle] for needle in sorted(known, key=len, reverse=True)}


learn_environment()
