"""Which texts are secrets, and that they are found in every spelling that servers echo."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from racro_eval.cli.output import guard_tracebacks
from racro_eval.common import redaction
from racro_eval.common.printable import printable
from racro_eval.common.redaction import (
    MARK,
    learn,
    learn_environment,
    redacted,
    without_credentials,
)
from racro_eval.engines.failures import LONGEST, describe
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import ConfigError, DataError
from racro_eval.settings import parse_settings
from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.records import decode_row, encode_row
from racro_eval.store.row_table import RowTable
from racro_eval.store.row_writer import RowWriter
from racro_eval.store.sidecar import read_sidecar, write_sidecar

KEY = 'sk-Planted/77+"a\\b ü&1'


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins without any secret."""
    monkeypatch.setattr(redaction, "_replacements", {})
    monkeypatch.setattr(redaction, "_processed", set())


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    learn_environment()
    yield KEY


SPELLINGS = {
    "as it is": KEY,
    "in a header": f"Bearer {KEY}",
    "quoted for a path": quote(KEY),
    "quoted whole": quote(KEY, safe=""),
    "quoted for a form": quote_plus(KEY),
    "quoted in small letters": re.sub("%..", lambda at: at[0].lower(), quote(KEY, safe="")),
    "in JSON": json.dumps(KEY),
    "in JSON with its letters": json.dumps(KEY, ensure_ascii=False),
    "in JSON that escapes slashes": json.dumps(KEY).replace("/", "\\/"),
    "in JSON in JSON": json.dumps(json.dumps({"key": KEY})),
    "in HTML": html.escape(KEY),
    "in Python": repr(KEY),
    "JSON in Python": repr(json.dumps({"key": KEY})),
    "in base64": base64.b64encode(KEY.encode()).decode(),
    "in base64 for URLs": base64.urlsafe_b64encode(KEY.encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_key_is_found_in_every_spelling(key: str, spelling: str) -> None:
    text = redacted(f"before {spelling} after")
    assert MARK in text and "Planted" not in text and spelling not in text
    assert text.startswith("before ") and text.endswith(" after")


@pytest.mark.parametrize(
    ("name", "value", "secret", "why"),
    [
        ("OPENAI_API_KEY", "sk-abc12345", True, "a key"),
        ("my_secret", "a1b2c3d4", True, "small letters in the name"),
        ("HF_TOKEN", "hf_AbCdEfGh", True, "a token"),
        ("DB_PASSWORD", "correct horse 1", True, "a password with blanks"),
        ("AWS_CREDENTIALS", "AKIA/x+y=zz", True, "credentials"),
        ("X_KEY", "abcdefghijklmnopqrstuvwxyz", True, "longer than any word"),
        ("X_KEY", "12345678901234567890123", True, "longer than any number"),
        ("X_KEY", "/no/such/path-1", True, "a path that is none"),
        ("X_KEY", "short-1", False, "under 8 characters"),
        ("TOKEN", "1", False, "a number"),
        ("X_TOKEN", "12345678", False, "a number of 8 digits"),
        ("X_TOKEN", "1.5e+10", False, "a number"),
        ("X_TOKEN", "2024-02-01", False, "a date"),
        ("X_SECRET", "disabled", False, "a word"),
        ("X_KEY", "placeholder", False, "a word of 11 letters"),
        ("X_KEY", "supersecretvalue", True, "longer than a word that stands for no key"),
        ("X_KEY", "true", False, "a boolean"),
        ("X_KEY", "/usr/bin/env", False, "a file that is there"),
        ("TOKENIZERS_PARALLELISM", "false-or-true", False, "no token"),
        ("TOKENIZER", "Qwen/Qwen2.5-7B", False, "no token"),
        ("KEYMAP", "us-intl-1", False, "no key"),
        ("XKB_KEYBOARD", "us-intl-1", False, "no key"),
        ("EDITOR", "vim-9-from-source", False, "an ordinary name"),
    ],
)
def test_what_is_a_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, secret: bool, why: str
) -> None:
    monkeypatch.setenv(name, value)
    learn_environment()
    text = f"The answer is {value}."
    assert (redacted(text) != text) is secret, why


URL = "http://bob:p%40ss%2Fword@host:8000/v1?api_key=query-key-9&api-version=2024-02-01-preview"


@pytest.mark.parametrize(
    "echo",
    [
        URL,
        "upstream http://bob:p%40ss%2Fword@host:8000 is away",
        "Authorization: Basic " + base64.b64encode(b"bob:p@ss/word").decode(),
        "wrong password p@ss/word",
        "GET /v1?api_key=query-key-9 HTTP/1.1",
        "unknown key query-key-9",
    ],
)
def test_secrets_of_a_url(echo: str) -> None:
    learn(URL)
    text = redacted(echo)
    for secret in ("p%40ss%2Fword", "p@ss/word", "query-key-9", echo.rpartition("Basic ")[2]):
        assert secret not in text
    assert redacted("The version 2024-02-01-preview says bob") == (
        "The version 2024-02-01-preview says bob"
    )


def test_short_passwords_are_found_beside_their_host_only() -> None:
    learn("http://a:pass@host/v1?key=abc")
    assert redacted("http://a:pass@host/v1?key=abc") == f"http://{MARK}@host/v1?key={MARK}"
    assert redacted("they pass abc") == "they pass abc"


def test_urls_are_known_from_the_environment_settings_and_lists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://u:environment-1@h/v1")
    monkeypatch.setenv("https_proxy", "u:proxy-pass-1@proxy:3128")
    parse_settings(ModelEntry, {"name": "m", "model": "m", "base_url": "http://u:entry-1-x@h"}, "x")
    learn(["run", "--mllm", "openai:m@http://u:argument-1@h"])
    for secret in ("environment-1", "proxy-pass-1", "entry-1-x", "argument-1"):
        assert redacted(f"no {secret}!") == f"no {MARK}!"


def test_a_wrong_setting_does_not_tell_its_password() -> None:
    content = {"name": "m", "model": "m", "base_url": "http://u:pass-word-1@h/v1", "pt": 1}
    with pytest.raises(ConfigError):
        parse_settings(ModelEntry, content, "x")
    assert "pass-word-1" not in printable("x: http://u:pass-word-1@h/v1")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host:8000/v1", "http://host:8000/v1"),
        ("http://u:p@host:8000/v1", "http://host:8000/v1"),
        ("http://token@host/v1", "http://host/v1"),
        ("http://u:p@ss@host/v1", "http://host/v1"),
        ("http://u:pa/ss@host/v1", "http://host/v1"),
        ("http://host:8000/@cf/model", "http://host:8000/@cf/model"),
        ("http://host/v1?key=a&b=c#d", f"http://host/v1?key={MARK}&b={MARK}#d"),
        ("openai:m@http://u:p@host/v1", "openai:m@http://host/v1"),
        ("two http://a:b@c and http://d:e@f", "two http://c and http://f"),
    ],
)
def test_a_url_without_credentials_is_the_same_for_every_password(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


def test_nothing_happens_without_secrets() -> None:
    text = "a text"
    assert redacted(text) is text


def test_a_key_of_several_lines_is_found_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["-----BEGIN KEY-----", "AbCdEf0123456789", "GhIjKl0123456789", "-----END KEY-----"]
    monkeypatch.setenv("DEPLOY_KEY", "\n".join(lines))
    learn_environment()
    assert redacted(f"{lines[1]} and {lines[2]}") == f"{MARK} and {MARK}"
    assert redacted(" ".join(lines)) == MARK


class TestStored:
    def test_a_row_is_redacted_but_for_its_index(self, key: str) -> None:
        row = decode_row(encode_row([key, f"I saw {key}", "", f"HTTP 400: {key}"]))
        assert row == [key, f"I saw {MARK}", "", f"HTTP 400: {MARK}"]

    def test_a_redacted_answer_is_not_asked_for_again(self, key: str, tmp_path: Path) -> None:
        path = tmp_path / "caption-00000000.csv"
        row = dict.fromkeys(CALL_COLUMNS, "") | {"index": "1", "sample": "0"}
        row |= {"prediction": f"the key is {key}", "prompt_sha256": "ab" * 32}
        with RowWriter(path, CALL_COLUMNS) as writer:
            writer.append(row)
            written = writer.state("1", 0)
            writer.compact(["1"])
        with RowTable(path, CALL_COLUMNS) as table:
            read = table.state("1", 0)
            assert read is not None and written is not None
            assert (read.prompt_sha256, read.failed) == (written.prompt_sha256, written.failed)
            assert table.row("1", 0) == row | {"prediction": f"the key is {MARK}"}

    def test_a_sidecar_is_redacted_and_stays_json(self, key: str, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        content = {"argv": ["a", key], "settings": {"options": {"deep": [key, 1, None]}}}
        write_sidecar(path, content)
        assert read_sidecar(path) == {
            "argv": ["a", MARK],
            "settings": {"options": {"deep": [MARK, 1, None]}},
        }


class TestShown:
    def test_what_is_shown_is_redacted_before_it_is_spelt_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ODD_KEY", "with\x1bescape-1")
        learn_environment()
        assert printable("a with\x1bescape-1 b") == f"a {MARK} b"

    def test_tracebacks(
        self, key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        import sys

        monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
        monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
        guard_tracebacks()
        try:
            raise ValueError(f"\x1b[2J {key}")
        except ValueError as error:
            sys.excepthook(type(error), error, error.__traceback__)
            args = threading.ExceptHookArgs((type(error), error, error.__traceback__, None))
            threading.excepthook(args)
        shown = capsys.readouterr().err
        assert shown.count(f"ValueError: \\x1b[2J {MARK}") == 2
        assert "Planted" not in shown and "\x1b" not in shown


class TestErrorTexts:
    def test_addresses_in_memory_are_left_out(self) -> None:
        error = ValueError("<Thing object at 0x7f12ab34cd56> of <built-in 0x7f12AB34>: 0x1f stays")
        assert describe(error) == "ValueError: <Thing object> of <built-in>: 0x1f stays"

    def test_one_line_without_colours_controls_or_secrets(self, key: str) -> None:
        text = describe(DataError(f"\x1b[31mred\x1b[0m\nand {key}\u2028\u202eturned\x07"))
        assert text == f"red and {MARK} \\u202eturned\\x07"

    def test_the_length_has_a_bound_and_no_half_of_a_secret_stays(self, key: str) -> None:
        for before in range(LONGEST - 40, LONGEST + 5):
            text = describe(DataError("x" * before + key + "y" * 100))
            assert len(text) <= LONGEST + 4 and "Pl" not in text

    def test_an_error_without_words(self) -> None:
        assert describe(KeyError()) == "KeyError"
