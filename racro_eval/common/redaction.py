"""Redaction: the secrets of this process are kept out of every text that is stored or shown.

A server may echo a key in an error or in an answer, and a base URL may contain a password. These
count as secrets:

- the values of environment variables whose name contains KEY, TOKEN, SECRET, PASSWORD or
  CREDENTIAL (except words such as KEYMAP and TOKENIZERS), if `is_secret` is true for them;
- in each URL in the environment, in settings and on the command line: the user, the password and
  the values of the query, if `is_secret` is true for them; and always the whole `user:password` in
  front of a host, plain and in base64.

Each secret is found in every encoding that servers echo: quoted for URLs, JSON, HTML and Python,
and in base64. Redaction happens where texts leave the program: `records.encode_row`,
`sidecar.write_sidecar`, `printable.printable` and the formats of the leaderboard. A text that is
truncated must be redacted before it is truncated.
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
"""Replaces a secret."""

_SECRET_NAME = re.compile(
    r"KEY(?!MAP|BOARD)|TOKEN(?!I[SZ])|SECRET|PASSWO?R?D|PASSPHRASE|CREDENTIAL", re.IGNORECASE
)
_HARMLESS_QUERY = re.compile(r"version|model|deployment|region|format", re.IGNORECASE)
"""Query parameters whose values are not secrets elsewhere: `?api-version=2024-02-01-preview`."""
_MIN_LENGTH = 8
_URL_SAFE = str.maketrans("+/", "-_")
_ORDINARY = re.compile(r"[^\W\d_]{1,11}|[\d\W_]{1,19}|[+-]?[\d.,_]{1,19}e[+-]?\d{1,3}")
"""One word, a text without letters (a number, a date), or a number with an exponent."""
_URL = re.compile(
    r"://(?P<user>[^\s/?#]*@|[^\s/?#:@]*:(?!\d+(?:[/?#]|$))[^\s@]*@)?"
    r"(?P<rest>[^\s?#]*)(?P<query>\?[^\s#]*)?"
)
"""A URL from its `://` on. A password may contain a slash; a port must not be taken for one."""
_PAIR = re.compile(r"[?&;](?P<name>[^\s?=&;#]+)=(?P<value>[^\s&;#]+)")

_replacements: dict[str, str] = {}
"""Encoded secret → its replacement; the longest first, so that no part of a secret remains.

Searching for each text in turn is many times faster than one regular expression for all.
"""
_processed: set[str] = set()
"""Texts whose secrets are registered."""


def redacted(text: str) -> str:
    """The text with each registered secret replaced by the mark."""
    for secret, replacement in _replacements.items():
        if secret in text:
            text = text.replace(secret, replacement)
    return text


def redacted_values(value: Any) -> Any:
    """A JSON value with all its texts redacted; keys are unchanged."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {key: redacted_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted_values(item) for item in value]
    return value


def without_credentials(text: str) -> str:
    """The text with users, passwords and query values removed from its URLs.

    The result does not depend on the password, so it may be stored and may identify a server.
    """
    return _URL.sub(_without_credentials, text)


def _without_credentials(url: re.Match[str]) -> str:
    query = re.sub(r"=[^&;]*", f"={MARK}", url["query"] or "")
    return f"://{url['rest']}{query}"


def is_secret(value: str) -> bool:
    """Whether a value found where secrets are expected really is one.

    Values under 8 characters, single words of up to 11 letters, numbers, dates and existing paths
    are not: redacting those would damage answers.
    """
    if len(value) < _MIN_LENGTH or _ORDINARY.fullmatch(value):
        return False
    return not os.path.exists(os.path.expanduser(value))


def learn_environment() -> None:
    """Register the secrets in the current environment."""
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name):
            _learn_secret(value.strip())
        if name.lower().endswith("_proxy") and "://" not in value:
            value = f"://{value}"
        learn(value)


def learn(value: Any) -> None:
    """Register the secrets in the URLs of a text, or of all texts in a mapping or a list."""
    if isinstance(value, str):
        if "://" in value and value not in _processed:
            _processed.add(value)
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
    if value in _processed or not is_secret(value):
        return
    _processed.add(value)
    # A key with several lines may be echoed as one line, or line by line.
    parts = {value, " ".join(value.split())}
    parts |= {line.strip() for line in value.splitlines() if not line.startswith("-----")}
    _add({text: MARK for part in parts if is_secret(part) for text in _encodings(part)})


def _learn_user(user: str) -> None:
    """Register the secrets of the `user:password` of a URL."""
    plain = unquote(user)
    _add({f"//{user}@": f"//{MARK}@"})
    if ":" in plain and len(plain) >= _MIN_LENGTH - 2:
        _add({_base64(plain): MARK})
    for part in (*user.split(":", 1), *plain.split(":", 1)):
        _learn_secret(part)


def _learn_pair(name: str, value: str) -> None:
    """Register the value of a query parameter of a URL."""
    _add({f"{before}{name}={value}": f"{before}{name}={MARK}" for before in "?&;"})
    if not _HARMLESS_QUERY.search(name):
        _learn_secret(value)
        _learn_secret(unquote_plus(value))


def _encodings(secret: str) -> set[str]:
    """A secret as it is encoded in URLs, JSON, HTML and Python texts, possibly one inside another,
    and in base64, as in a header or a settings file."""
    encodings = {secret}
    for _ in range(2):
        for text in tuple(encodings):
            quoted = {_quoted(text, ""), _quoted(text, "/"), _quoted(text, " ").replace(" ", "+")}
            encodings |= quoted | {_with_lower_case_escapes(url) for url in quoted}
            encodings |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
            encodings |= {text.replace("/", r"\/"), html.escape(text), repr(text)[1:-1]}
    return encodings | {_base64(secret), _base64(secret).translate(_URL_SAFE)}


def _with_lower_case_escapes(quoted: str) -> str:
    return re.sub("%..", lambda escape: escape[0].lower(), quoted)


def _quoted(text: str, safe: str) -> str:
    return quote(text, safe=safe, errors="surrogatepass")


def _base64(text: str) -> str:
    """Base64 without padding, which is often left out."""
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def _add(replacements: Mapping[str, str]) -> None:
    global _replacements
    if not _replacements.keys() >= replacements.keys():
        # A new dict, since other threads may be reading the old one.
        merged = {**_replacements, **replacements}
        _replacements = {text: merged[text] for text in sorted(merged, key=len, reverse=True)}


learn_environment()
