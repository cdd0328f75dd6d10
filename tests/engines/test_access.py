"""How a server with OpenAI's API is reached: its base URL and the key."""

from __future__ import annotations

import pytest

from racro_eval.engines.openai.access import api_key, authorization, parse_base_url
from racro_eval.errors import ConfigError


class TestBaseUrl:
    @pytest.mark.parametrize(
        ("text", "public"),
        [
            ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
            ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
            ("http://me:secret@Host:8000/v1", "http://host:8000/v1"),
            ("https://host/v1?api_key=secret#secret", "https://host/v1"),
            ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
            ("http://host/a b\x1b", "http://host/a%20b%1B"),
        ],
    )
    def test_its_public_form_is_clean_and_has_no_secrets(self, text: str, public: str) -> None:
        assert parse_base_url(text).public == public

    @pytest.mark.parametrize(
        ("text", "endpoint"),
        [
            ("http://host:8000/v1/", "http://host:8000/v1/models"),
            ("http://me:secret@host/v1", "http://me:secret@host/v1/models"),
            ("https://host/v1?api-version=2#x", "https://host/v1/models?api-version=2"),
            ("http://host/a b", "http://host/a%20b/models"),
        ],
    )
    def test_its_endpoints_keep_credentials_and_query(self, text: str, endpoint: str) -> None:
        assert parse_base_url(text).endpoint("models") == endpoint

    def test_the_default_is_the_variable_or_openais(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
        assert parse_base_url(None).public == "https://api.openai.com/v1"
        monkeypatch.setenv("OPENAI_BASE_URL", "http://h:1/v1")
        assert parse_base_url(None).public == "http://h:1/v1"

    @pytest.mark.parametrize(
        "text",
        [
            "127.0.0.1:8000/v1",
            "ftp://me:secret@h/v1",
            "http://",
            "http://me:secret@h:99999/v1",
            "http://[::1/",
        ],
    )
    def test_an_invalid_one_is_an_error_that_does_not_repeat_it(self, text: str) -> None:
        with pytest.raises(ConfigError, match="must look like http://host:8000/v1") as caught:
            parse_base_url(text)
        assert "secret" not in str(caught.value)


class TestKey:
    def test_is_sent_without_the_blanks_around_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", " secret\n")
        assert (api_key(), authorization()) == ("secret", "Bearer secret")

    def test_servers_without_keys_get_some_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        assert (api_key(), authorization()) == ("", "Bearer none")

    @pytest.mark.parametrize("key", ["sec\nret", "sécret"])
    def test_one_that_no_header_can_hold_is_an_error_that_does_not_repeat_it(
        self, monkeypatch: pytest.MonkeyPatch, key: str
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", key)
        with pytest.raises(ConfigError, match="OPENAI_API_KEY contains characters") as caught:
            authorization()
        assert "ret" not in str(caught.value)
