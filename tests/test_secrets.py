"""Secrets that a server repeats, an address holds or an error quotes, looked for in all that a run
wrote and printed.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
import yaml

from racro_eval.common.redaction import MARK
from tests.support.benchmarks import make_json_benchmark
from tests.support.openai_server import Answer, Server, reply

pytest.importorskip("openai", reason="the extra `openai` is not installed")

KEY = "sk-planted-key/7+7=a"
TOKEN = "hf_plantedToken55"
PASSWORD = "planted pass/word1"
QUERY = "planted-query-77"
PROXY = "planted-proxy-88"
SECRETS = (KEY, TOKEN, PASSWORD, QUERY, PROXY)
LOGIN = f"planted-user:{PASSWORD}"
ALL = " ".join(
    (
        f"Bearer {KEY}",
        f"Basic {base64.b64encode(LOGIN.encode()).decode()}",
        f"http://{quote(LOGIN, safe=':')}@host/v1?api_key={QUERY}",
        json.dumps(SECRETS),
        quote(KEY),
    )
)


def _error(status: int) -> Callable[[dict[str, Any]], Answer]:
    return lambda body: (status, {"error": {"message": f"\x1b[31mrefused: {ALL}"}})


SERVERS: dict[str, Callable[[dict[str, Any]], Answer]] = {
    "the answer": lambda body: (200, reply(f"It is {ALL}. \\boxed{{3}}")),
    "the thought": lambda body: (200, reply("\\boxed{3}", reasoning_content=ALL)),
    "an error in 200": lambda body: (200, {"error": {"message": ALL}}),
    "a reply that is none": lambda body: (200, {"choices": ALL}),
    "400": _error(400),
    "401": _error(401),
    "422": lambda body: (422, {"detail": [{"msg": ALL, "input": ALL}]}),
}


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }


def _assert_clean(text: str, where: object) -> None:
    for said in (text, unquote(text)):
        for secret in (*SECRETS, LOGIN):
            found = [spelling for spelling in _spellings(secret) if spelling in said]
            assert not found, (found, where)


def _run(folder: Path, *arguments: str) -> str:
    """Output and errors of a command, all secrets in its environment."""
    done = subprocess.run(
        [sys.executable, "-m", "racro_eval", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=300,
        env={
            **os.environ,
            "OPENAI_API_KEY": KEY,
            "HF_TOKEN": TOKEN,
            "https_proxy": f"http://u:{PROXY}@127.0.0.1:9",
            "no_proxy": "127.0.0.1",
        },
    )
    assert done.returncode != 70, done.stderr
    return done.stdout + done.stderr


def _sweep(folder: Path, base_url: str, **more: Any) -> None:
    entry = {
        "model": "m",
        "engine": "openai",
        "base_url": base_url,
        "options": {"retries": 1, "wait_s": 0},
    }
    sweep = {
        "data": str(folder / "Small.yaml"),
        "data_root": str(folder),
        "mllm": "captioner",
        "reasoner": "reasoner",
        "models": [{"name": name, **entry} for name in ("captioner", "reasoner")],
        **more,
    }
    (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep), encoding="utf-8")


def _address(server: Server) -> str:
    place = server.url.removeprefix("http://")
    return f"http://{quote(LOGIN, safe=':')}@{place}?api_key={QUERY}"


@pytest.mark.parametrize("name", SERVERS)
def test_what_a_server_repeats_is_neither_kept_nor_shown(
    name: str, server: Server, tmp_path: Path
) -> None:
    make_json_benchmark(tmp_path, 2)
    _sweep(tmp_path, _address(server))
    server.answer = SERVERS[name]
    shown = _run(tmp_path, "run", "--config", "sweep.yaml", "--debug")
    shown += _run(tmp_path, "leaderboard", "--format", "json", "--format", "html")
    _assert_clean(shown, "what was shown")
    assert "\x1b" not in shown
    assert server.asked
    files = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    written = {path: path.read_text(encoding="utf-8", errors="replace") for path in files}
    for path, text in written.items():
        _assert_clean(text, path)
    if name in ("the answer", "the thought", "400"):  # else it is enough that a row has failed
        assert MARK in "".join(written.values())


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "nobody listens"),
        ({"seeed": 1}, "a wrong setting"),
        ({"mllm": f"openai:m@ftp://{quote(LOGIN, safe=':')}@127.0.0.1:9/v1?k={QUERY}"}, "a name"),
        ({"data": f"http://{quote(LOGIN, safe=':')}@h/?k={QUERY}"}, "no benchmark"),
        ({"prompts": f"http://{quote(LOGIN, safe=':')}@h/?k={QUERY}"}, "no prompt set"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_error_does_not_tell_what_an_address_holds(
    more: dict[str, Any], why: str, tmp_path: Path
) -> None:
    make_json_benchmark(tmp_path, 1)
    login = quote(LOGIN, safe=":")
    _sweep(tmp_path, f"http://{login}@127.0.0.1:9/v1?api_key={QUERY}", **more)
    shown = _run(tmp_path, "run", "--config", "sweep.yaml", "--debug")
    shown += _run(tmp_path, "run", "--data", "X", "--limit", f"http://{login}@h/?api_key={QUERY}")
    _assert_clean(shown, why)
