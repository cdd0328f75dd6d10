"""A server on loopback that lists its models as a test wants, and answers every chat alike."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Listing = Callable[[], tuple[int, bytes]]


class ListingServer:
    """Use it with `with`. listing: status and body of `GET /v1/models`, anew each time.

    says: the content of every answer. questions: how often the list was asked for. chats: how many
    requests were answered. authorizations: what was sent as `Authorization` with either.
    """

    def __init__(self, listing: Listing | None = None, says: str = "7", port: int = 0) -> None:
        self.listing = listing or (lambda: models())
        self.says = says
        self.questions = self.chats = 0
        self.authorizations: set[str | None] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.questions += 1
                outer.authorizations.add(self.headers["Authorization"])
                self._send(*outer.listing())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.chats += 1
                outer.authorizations.add(self.headers["Authorization"])
                self._send(200, json.dumps(_answer(outer.says)).encode())

            def _send(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        ThreadingHTTPServer.allow_reuse_address = True
        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.port: int = self._http.server_port
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> ListingServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def models(name: str = "m", **facts: Any) -> tuple[int, bytes]:
    """The list of a server with one model, of which it says some facts."""
    return 200, json.dumps({"object": "list", "data": [{"id": name, **facts}]}).encode()


def _answer(content: str) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": f"The answer is \\boxed{{{content}}}."},
        "finish_reason": "stop",
    }
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    reply = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
    return {**reply, "choices": [choice], "usage": usage}
