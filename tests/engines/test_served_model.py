"""What a server says about its models: which facts count, and that any reply is survived."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from racro_eval.engines.model_entry import ModelEntry
from racro_eval.engines.openai import served_model
from racro_eval.engines.openai.served_model import ServedModel, fetch_served_model
from racro_eval.errors import EngineError, ServerAwayError
from racro_eval.models.fingerprint import is_served_at, served_fingerprint
from tests.support.listing_server import ListingServer, models

LONG_AGO = 1_677_610_602


def entry(url: str, model: str = "m") -> ModelEntry:
    return ModelEntry(name="m", model=model, engine="openai", base_url=url)


@pytest.fixture
def server() -> Iterator[ListingServer]:
    with ListingServer() as started:
        yield started


def facts_of(server: ListingServer, listing: Callable[[], tuple[int, bytes]]) -> dict[str, str]:
    """The facts from a list of models."""
    server.listing = listing
    return dict(fetch_served_model(entry(server.url)).facts)


class TestFacts:
    def test_root_and_a_fixed_time_identify_a_model(self, server: ListingServer) -> None:
        server.listing = lambda: models(root="org/M-7B", created=LONG_AGO)
        model = fetch_served_model(entry(server.url))
        assert model == ServedModel(server.url, (("created", str(LONG_AGO)), ("root", "org/M-7B")))
        line = served_fingerprint(model)
        assert line == f"{server.url} created={LONG_AGO} root=org/M-7B"
        assert is_served_at(line, server.url)
        assert not is_served_at(line, server.url[:-1])

    def test_a_time_that_moves_with_the_question_identifies_nothing(
        self, server: ListingServer
    ) -> None:
        """As vLLM, SGLang and llama.cpp give it."""
        facts = facts_of(server, lambda: models(created=int(time.time()), root="r"))
        assert facts == {"root": "r"}

    def test_a_recent_time_that_stays_does(self, server: ListingServer) -> None:
        started = int(time.time()) - 5
        assert facts_of(server, lambda: models(created=started)) == {"created": str(started)}

    def test_a_time_long_past_is_asked_for_once(self, server: ListingServer) -> None:
        facts_of(server, lambda: models(created=LONG_AGO))
        assert server.questions == 1

    def test_the_size_that_llama_cpp_tells(self, server: ListingServer) -> None:
        facts = facts_of(server, lambda: models(meta={"n_params": 7_000, "size": 14_000, "x": "y"}))
        assert facts == {"parameters": "7000", "bytes": "14000"}

    def test_a_path_of_the_server_is_known_by_its_end_and_a_hash(
        self, server: ListingServer
    ) -> None:
        def root(path: str) -> str:
            return facts_of(server, lambda: models(root=path))["root"]

        assert root("/home/ann/models/ckpt-100").startswith("ckpt-100#")
        assert root("/home/ann/models/ckpt-100") != root("/home/bob/models/ckpt-100")
        assert "ann" not in root("/home/ann/models/ckpt-100/")
        assert root("C:\\models\\m.gguf").startswith("m.gguf#")

    def test_a_list_without_the_model_has_no_facts(self, server: ListingServer) -> None:
        assert facts_of(server, lambda: models("other", root="r", created=LONG_AGO)) == {}

    def test_a_bare_list_is_a_list(self, server: ListingServer) -> None:
        body = json.dumps([{"id": "m", "root": "r"}]).encode()
        assert facts_of(server, lambda: (200, body)) == {"root": "r"}


HOSTILE: list[tuple[str, int, bytes]] = [
    ("nothing", 200, b""),
    ("no JSON", 200, b"<html><body>Welcome</body></html>"),
    ("null", 200, b"null"),
    ("a number", 200, b"7"),
    ("a text", 200, b'"models"'),
    ("no list in it", 200, b'{"object": "list"}'),
    ("null for a list", 200, b'{"data": null}'),
    ("a mapping for a list", 200, b'{"data": {"id": "m"}}'),
    ("a text for a list", 200, b'{"data": "m"}'),
    ("entries of all kinds", 200, b'{"data": [null, 1, "m", [], {"id": null}, {"id": ["m"]}]}'),
    ("facts of wrong kinds", 200, b'{"data": [{"id": "m", "root": 1, "created": "x", "meta": 3}]}'),
    ("NaN", 200, b'{"data": [{"id": "m", "created": NaN}]}'),
    ("endless", 200, b'{"data": [{"id": "m", "created": 1e999}]}'),
    ("true for a time", 200, b'{"data": [{"id": "m", "created": true}]}'),
    ("before all time", 200, b'{"data": [{"id": "m", "created": -5}]}'),
    ("a number of 10,000 digits", 200, b'{"data": [{"id":"m","created": ' + b"9" * 10_000 + b"}]}"),
    ("100,000 brackets", 200, b"[" * 100_000),
    ("half of one", 200, b'{"data": [{"id": "m", "ro'),
    ("no UTF-8", 200, b'{"data": [{"id": "m", "root": 1, "x": "\xff\xfe"}]}'),
    ("not found", 404, b"{}"),
    ("forbidden, though chats may be allowed", 403, b"{}"),
    ("broken for this question", 500, b"oops"),
]


@pytest.mark.parametrize(("why", "status", "body"), HOSTILE, ids=[case[0] for case in HOSTILE])
def test_a_server_that_does_not_list_the_model_is_known_by_its_address(
    server: ListingServer, why: str, status: int, body: bytes
) -> None:
    assert facts_of(server, lambda: (status, body)) == {}, why


@pytest.mark.parametrize(
    "root",
    ["a\x1b[31mb\r\n", "x" * 100_000, "\u202e\u2066evil", "a b=c created=5", "\ud800", "=cmd()"],
)
def test_text_of_the_server_becomes_one_short_clean_word(server: ListingServer, root: str) -> None:
    word = facts_of(server, lambda: models(root=root))["root"]
    assert len(word) < 100
    assert word.isascii() and word.isprintable() and " " not in word and "=" not in word


def test_a_key_that_the_server_echoes_is_not_kept(
    server: ListingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert "secret" not in str(facts_of(server, lambda: models(root="for sk-very-secret")))
    assert server.authorizations == {"Bearer sk-very-secret"}


def test_a_list_that_is_too_long_has_no_facts(
    server: ListingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_model, "_MAX_REPLY_BYTES", 1000)
    assert facts_of(server, lambda: models(root="r", more="x" * 2000)) == {}
    assert facts_of(server, lambda: models(root="r", more="x" * 200)) == {"root": "r"}


class TestAServer:
    def test_that_does_not_run_is_an_error(self) -> None:
        with ListingServer() as gone:
            pass
        with pytest.raises(ServerAwayError, match=rf"Nobody answers at {gone.url} for m: is the"):
            fetch_served_model(entry(gone.url))

    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_that_is_away_for_now_is_an_error(self, server: ListingServer, status: int) -> None:
        server.listing = lambda: (status, b"")
        with pytest.raises(ServerAwayError, match=f"is away .HTTP {status}"):
            fetch_served_model(entry(server.url))

    def test_with_patience_is_asked_again_with_a_warning(
        self, server: ListingServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        replies = iter([(503, b""), (503, b""), models(root="r")])
        server.listing = lambda: next(replies)
        assert dict(fetch_served_model(entry(server.url), 60).facts) == {"root": "r"}
        assert "Asking again in 1 s, and for 60 s at most." in caplog.messages[0]
        assert len(caplog.messages) == 2

    def test_that_refuses_the_key_is_an_error(self, server: ListingServer) -> None:
        server.listing = lambda: (401, b"")
        with pytest.raises(
            EngineError, match="refuses the key for m: set OPENAI_API_KEY"
        ) as raised:
            fetch_served_model(entry(server.url), 60)
        assert not isinstance(raised.value, ServerAwayError)

    @pytest.mark.parametrize(
        "sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[", b"??"]
    )
    def test_that_never_finishes_its_reply_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch, sent: bytes
    ) -> None:
        monkeypatch.setattr(served_model, "_REPLY_TIMEOUT_S", 0.5)
        over = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def drip() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(sent)
                    over.wait()

            thread = threading.Thread(target=drip, daemon=True)
            thread.start()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            with pytest.raises(ServerAwayError, match="Nobody answers at"):
                fetch_served_model(entry(url))
            over.set()
            thread.join()


def test_a_password_in_the_address_is_sent_but_kept_nowhere(server: ListingServer) -> None:
    url = server.url.replace("//", "//me:hidden@")
    model: Any = fetch_served_model(entry(url))
    assert "hidden" not in str(model)
    assert server.authorizations == {"Basic bWU6aGlkZGVu"}
