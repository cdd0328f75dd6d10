"""How a server with OpenAI's API is reached: its base URL, and the key from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from racro_eval.errors import ConfigError

_OPENAI = "https://api.openai.com/v1"
_SAFE = "/:@[]%-._~!$&'()*+,;="
"""What stays as it is in a URL; everything else is percent-encoded."""


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """The base URL of a server, which may hold credentials; only `public` may be shown or stored.

    parts: of the whole URL, as the user wrote it.
    """

    parts: SplitResult

    @property
    def public(self) -> str:
        """The URL without credentials, query and a slash at the end."""
        host = (self.parts.hostname or "").lower()
        host = f"[{host}]" if ":" in host else host
        place = f"{host}:{self.parts.port}" if self.parts.port else host
        return quote(f"{self.parts.scheme}://{place}{self.parts.path.rstrip('/')}", safe=_SAFE)

    @property
    def has_credentials(self) -> bool:
        """Whether it names a user, whose password is then sent instead of the key."""
        return bool(self.parts.username)

    def endpoint(self, path: str) -> str:
        """The URL of a path below the base. The query (an API version, say) is kept."""
        full_path = quote(f"{self.parts.path.rstrip('/')}/{path}", safe=_SAFE)
        return urlunsplit(self.parts._replace(path=full_path, fragment=""))


def parse_base_url(text: str | None) -> BaseUrl:
    """The base URL in `text`; without one that in OPENAI_BASE_URL, else OpenAI's own.

    Raises ConfigError, which does not repeat the text, if it is not the URL of a server.
    """
    text = text or os.environ.get("OPENAI_BASE_URL") or _OPENAI
    try:
        parts = urlsplit(text.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:  # an invalid port or IPv6 address
        raise invalid_base_url() from error
    if not usable:
        raise invalid_base_url()
    return BaseUrl(parts)


def invalid_base_url() -> ConfigError:
    """The error for a base URL that no server can have."""
    return ConfigError(
        "A model's base_url (or OPENAI_BASE_URL) must look like http://host:8000/v1."
    )


def api_key() -> str:
    """The key in OPENAI_API_KEY, "" without one. Raises ConfigError if no header can hold it."""
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ConfigError("OPENAI_API_KEY contains characters that no key has.")
    return key


def authorization() -> str:
    """The value of the header `Authorization`; servers without keys accept any."""
    return f"Bearer {api_key() or 'none'}"
