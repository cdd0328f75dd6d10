"""Secrets that are put where they do not belong, and looked for in all that was written and shown.

A key in the environment, a password and a key in the base URL, another in the model's entry; a
server that repeats the Authorization header, the URL and the environment's key in its answers of
200, 400, 401, 403, 429 and 500, as JSON, as text, as HTML, inside the answer's text; wrong settings
whose error quotes them. Looked for: in every file of the results, stdout, stderr and leaderboards.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, unquote

from tests.faults.campaign import Case, Outcome, Skip
from tests.faults.ground import LEADERBOARD, RUN, make_ground, write_sweep
from tests.faults.process import start
from tests.support.openai_server import reply

NAME = "secrets"
SHORT = 8
LONG = None
_ROWS = 2

SECRETS = {
    "OPENAI_API_KEY": "sk-planted-3f9c1b77aa0e",
    "HF_TOKEN": "hf_plantedQwErTyUiOp12",
    "SOME_CLIENT_SECRET": "planted/secret+with=signs",
}
_USER, _PASSWORD = "planted-user-77", "planted:pass word/1"
_QUERY = "planted-query-key-55"
_LOOKED_FOR = (*SECRETS.values(), _PASSWORD, _QUERY)


def _spellings(secret: str) -> set[str]:
    """A secret as it may be found: plain, in a URL, in JSON, in base64."""
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }


Say = Callable[[str], tuple[int, str, str]]
"""From all secrets in one text to status, content type and body."""


def _in_answer(text: str) -> tuple[int, str, str]:
    return 200, "application/json", json.dumps(reply(f"I saw {text}. \\boxed{{3}}"))


def _in_thought(text: str) -> tuple[int, str, str]:
    content = reply("\\boxed{3}", reasoning_content=f"the key is {text}")
    return 200, "application/json", json.dumps(content)


def _error_in_200(text: str) -> tuple[int, str, str]:
    return 200, "application/json", json.dumps({"error": {"message": f"bad key {text}"}})


def _refusal(text: str) -> tuple[int, str, str]:
    content = reply("", refusal=f"I do not like {text}")
    return 200, "application/json", json.dumps(content)


def _status(status: int, kind: str) -> Say:
    def say(text: str) -> tuple[int, str, str]:
        bodies = {
            "json": json.dumps({"error": {"message": f"Incorrect API key provided: {text}."}}),
            "detail": json.dumps({"detail": [{"msg": text, "input": text}]}),
            "text": f"upstream said: {text}",
            "html": f"<html><body><h1>No</h1><p>{text}</p></body></html>",
        }
        return status, "text/html" if kind == "html" else "application/json", bodies[kind]

    return say


_SERVERS: dict[str, Say] = {
    "in the answer": _in_answer,
    "in the thought": _in_thought,
    "an error in 200": _error_in_200,
    "a refusal": _refusal,
    **{
        f"{status} as {kind}": _status(status, kind)
        for status in (400, 401, 403, 404, 422, 429, 500, 503)
        for kind in ("json", "detail", "text", "html")
    },
}


def cases(ground: Path, seed: int) -> Iterator[Case]:
    """Each server that repeats secrets; and addresses that nobody answers or that are wrong."""
    try:
        import openai  # noqa: F401
    except ImportError:
        raise Skip("the extra `openai` is not installed") from None
    here = make_ground(ground / "here", _ROWS, commands=[])
    for name, say in _SERVERS.items():
        yield Case(f"repeated: {name}", partial(_repeated, here, say))
    for name, address in _ADDRESSES.items():
        yield Case(f"address: {name}", partial(_address, here, address))


_LOGIN = f"{_USER}:{quote(_PASSWORD, safe='')}"
_ADDRESSES = {
    "nobody listens": f"http://{_LOGIN}@127.0.0.1:9/v1?api_key={_QUERY}",
    "no such host": f"http://{_LOGIN}@nowhere.invalid/v1?api_key={_QUERY}",
    "another scheme": f"ftp://{_LOGIN}@127.0.0.1/v1?api_key={_QUERY}",
    "no port": f"http://{_LOGIN}@127.0.0.1:port/v1?api_key={_QUERY}",
    "a blank": f"http://{_LOGIN}@127.0.0.1 /v1?api_key={_QUERY}",
    "no host": f"http://{_LOGIN}@/v1?token={_QUERY}",
}


def _repeated(here: Any, say: Say, folder: Path, outcome: Outcome) -> None:
    server = _Echoing(say)
    try:
        _run(here, f"http://{_LOGIN}@{server.place}/v1?api_key={_QUERY}", folder, outcome)
    finally:
        server.close()
    if not server.asked:
        outcome.blame("other", "the server was not asked, so nothing was shown")


def _address(here: Any, address: str, folder: Path, outcome: Outcome) -> None:
    _run(here, address, folder, outcome)


def _run(here: Any, address: str, folder: Path, outcome: Outcome) -> None:
    results = here.lay(folder)
    models = [
        {
            "name": name,
            "model": "m",
            "engine": "openai",
            "base_url": address,
            "options": {"retries": 1, "wait_s": 0},
        }
        for name in ("captioner", "reasoner")
    ]
    write_sweep(folder, 0.0, models=models)
    outcome.injected()
    outcome.check_exit(start(RUN, folder, env=SECRETS).finish())
    (folder / "sweep.yaml").unlink()
    outcome.check_exit(start(LEADERBOARD, folder, env=SECRETS).finish())
    start([*LEADERBOARD, "--format", "html", "--out", "table.html"], folder).finish()
    _look(folder, outcome)
    assert results.parent == folder


def _look(folder: Path, outcome: Outcome) -> None:
    """No file that a run has written, nor what it has shown, holds a secret."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix == ".png":
            continue
        content = path.read_bytes().decode("utf-8", "replace")
        for text in (content, unquote(content)):
            found = [s for secret in _LOOKED_FOR for s in _spellings(secret) if s in text]
            if found:
                where = content.find(found[0])
                quoted = content[max(0, where - 80) : where + 40]
                name = path.relative_to(folder)
                outcome.blame("secrets", f"{sorted(set(found))} in {name}: {quoted!r}")
                break


class _Echoing:
    """A server that repeats what it was sent with: header, path and the environment's secrets."""

    def __init__(self, say: Say) -> None:
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(200, "application/json", '{"object": "list", "data": [{"id": "m"}]}')

            def do_POST(self) -> None:
                outer.asked += 1
                self.rfile.read(int(self.headers["Content-Length"]))
                header = self.headers.get("Authorization", "")
                sent = [header, self.path, header.rpartition(" ")[2], _PASSWORD, _QUERY]
                self._send(*say(" ".join([*sent, *SECRETS.values()])))

            def _send(self, status: int, kind: str, body: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Retry-After-Ms", "1")
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.place = f"127.0.0.1:{self._http.server_port}"
        Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._http.shutdown()
        self._http.server_close()
