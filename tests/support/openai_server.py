"""A real HTTP server on loopback that speaks as much of OpenAI's protocol as a test needs.

It answers by a function of the request; at an address of `url_of`, as `server_modes.yaml` says.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import yaml

Answer = tuple[int, dict[str, Any]]

GOOD = r"The answer is \boxed{7}."
"""What a row gets that meets no mode."""
_REPEATED = 100_000


@dataclass(frozen=True, slots=True)
class Mode:
    """A line of `server_modes.yaml`, which explains the fields. sent: those of the reply."""

    name: str
    then: str
    says: str
    why: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    act: str = ""
    first: int = 0
    models: int | str = 200
    options: dict[str, Any] = field(default_factory=dict)
    sent: dict[str, Any] = field(default_factory=dict)

    @property
    def engine_options(self) -> dict[str, Any]:
        """Options of the model's entry with which this mode ends soon."""
        return {"retries": 1, "wait_s": 0, **self.options}

    def body(self) -> bytes:
        """The body of the HTTP reply."""
        if "json" in self.sent:
            return json.dumps(self.sent["json"]).encode()
        if "body" in self.sent:
            return str(self.sent["body"]).encode()
        if "latin1" in self.sent:
            return str(self.sent["latin1"]).encode("latin-1")
        if "times" in self.sent:
            start, repeated, end = self.sent["times"]
            return f"{start}{repeated * _REPEATED}{end}".encode()
        whole = reply(GOOD)
        choice = whole["choices"][0]
        choice["message"] |= self.sent.get("message", {})
        choice |= self.sent.get("choice", {})
        whole |= self.sent.get("reply", {})
        for part in (whole, choice, choice["message"]):
            for name in self.sent.get("without", ()) if isinstance(part, dict) else ():
                part.pop(name, None)
        return json.dumps(whole).encode()


def _modes() -> dict[str, Mode]:
    text = Path(__file__).with_name("server_modes.yaml").read_text(encoding="utf-8")
    own = set(Mode.__dataclass_fields__) - {"sent"}
    return {
        line["name"]: Mode(
            **{name: value for name, value in line.items() if name in own},
            sent={name: value for name, value in line.items() if name not in own},
        )
        for line in yaml.safe_load(text)
    }


MODES = _modes()
"""All modes by name."""


class Server:
    """Answers chat requests, in threads that end with it. Use it with `with`, or close it.

    answer: gives status and JSON for the JSON of a request. asked: what was asked, in every mode.
    paths: where. errors: what went wrong in this server itself. root: what its list of models says
    of its own. port: 0 takes a free one.
    """

    def __init__(self, port: int = 0, root: str | None = None) -> None:
        self.root = root
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.errors: list[BaseException] = []
        self.keys: set[str] = set()
        self.answer: Callable[[dict[str, Any]], Answer] = lambda body: (200, reply("an answer"))
        self.closed = threading.Event()
        self.posts: Counter[str] = Counter()
        """Requests by address and prompt: a mode may be for the first ones only."""
        self.http = _Http(("127.0.0.1", port), _Handler)
        self.http.tests = self
        self.origin = f"http://127.0.0.1:{self.http.server_port}"
        self.url = f"{self.origin}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def url_of(self, mode: str, only: str = "") -> str:
        """A base URL at which requests are answered in a mode, the others as if all were good.

        only: a request meets the mode if its prompt holds this text.
        """
        return f"{self.origin}/{MODES[mode].name}/{quote(only, safe='') or '-'}/v1"

    def close(self) -> None:
        """End it, and every request that is being answered."""
        self.closed.set()
        self.http.shutdown()
        self.http.server_close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    tests: Server

    def handle_error(self, *_: object) -> None:
        """Keep what went wrong here; that a client hangs up is no news."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.tests.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    server: _Http

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.tests.paths.append(self.path)
        mode = self._mode()
        model = {"id": "m", "object": "model", "root": self.server.tests.root}
        listing = {"object": "list", "data": [model]}
        said = mode.models if mode else 200
        if isinstance(said, str) and said.startswith("later-"):
            later = said.removeprefix("later-")
            said = (int(later) if later.isdecimal() else later) if self._posted() else 200
        if isinstance(said, str):
            _ACTS[said](self, Mode("models", "", "", ""))
        else:
            self.send(said, json.dumps(listing).encode())

    def do_POST(self) -> None:
        tests = self.server.tests
        tests.paths.append(self.path)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        tests.keys.add(self.headers["Authorization"])
        tests.asked.append(body)
        mode = self._mode()
        if mode is None:
            status, content = tests.answer(body)
            self.send(status, json.dumps(content).encode())
            return
        prompt = json.dumps(body["messages"])
        tests.posts[self.path] += 1
        tests.posts[self.path + prompt] += 1
        passed = mode.first and tests.posts[self.path + prompt] > mode.first
        if passed or self._only() not in prompt:
            mode = MODES["good"]
        if mode.act:
            _ACTS[mode.act](self, mode)
        else:
            self.send(mode.status, mode.body(), mode.headers)

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """A whole HTTP reply."""
        self.head(status, {"Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def head(self, status: int, headers: dict[str, str]) -> None:
        """The head of an HTTP reply. A client that has to wait should not wait long."""
        self.send_response(status, "")
        usual = {"Content-Type": "application/json", "Retry-After-Ms": "1"}
        for name, value in (usual | headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()

    def _mode(self) -> Mode | None:
        return MODES.get(self.path.split("/")[1])

    def _only(self) -> str:
        only = unquote(self.path.split("/")[2])
        return "" if only == "-" else only

    def _posted(self) -> bool:
        start = "/".join(self.path.split("/")[:3])
        return any(path.startswith(start) for path in self.server.tests.posts)


# -- what a body cannot say --


def _hang_up(to: _Handler, mode: Mode) -> None:
    to.close_connection = True


def _reset(to: _Handler, mode: Mode) -> None:
    to.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    to.connection.close()


def _half_body(to: _Handler, mode: Mode) -> None:
    to.head(200, {"Content-Length": "1000"})
    to.wfile.write(mode.body()[:40])


def _half_chunks(to: _Handler, mode: Mode) -> None:
    to.head(200, {"Transfer-Encoding": "chunked"})
    to.wfile.write(b"20\r\n" + mode.body()[:0x20] + b"\r\n")


def _half_head(to: _Handler, mode: Mode) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Ty")


def _garbage(to: _Handler, mode: Mode) -> None:
    to.wfile.write(b"\x16\x03\x01\x00 SSH-2.0-OpenSSH\r\n\r\n")


def _bad_chunks(to: _Handler, mode: Mode) -> None:
    to.head(200, {"Transfer-Encoding": "chunked"})
    to.wfile.write(b"zz\r\n{}\r\n")


def _endless_head(to: _Handler, mode: Mode) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in _until_nobody_reads(to):
        to.wfile.write(b"X-%d: %s\r\n" % (number, b"x" * 1000))


def _redirect_loop(to: _Handler, mode: Mode) -> None:
    to.send(307, b"", {"Location": to.path})


def _gzip(to: _Handler, mode: Mode) -> None:
    to.send(200, gzip.compress(mode.body()), {"Content-Encoding": "gzip"})


def _bad_gzip(to: _Handler, mode: Mode) -> None:
    to.send(200, b"no gzip at all", {"Content-Encoding": "gzip"})


def _gzip_bomb(to: _Handler, mode: Mode) -> None:
    to.send(200, gzip.compress(bytes(100 << 20)), {"Content-Encoding": "gzip"})


def _no_length(to: _Handler, mode: Mode) -> None:
    to.head(200, {})
    to.wfile.write(mode.body())


def _closes_quietly(to: _Handler, mode: Mode) -> None:
    to.protocol_version = "HTTP/1.1"
    to.send(200, mode.body())


def _short_length(to: _Handler, mode: Mode) -> None:
    to.send(200, mode.body(), {"Content-Length": "40"})


def _early_hints(to: _Handler, mode: Mode) -> None:
    to.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    to.send(200, mode.body())


def _endless_body(to: _Handler, mode: Mode) -> None:
    to.head(mode.status, {})
    for _ in _until_nobody_reads(to):
        to.wfile.write(b"x" * (1 << 20))


def _silent(to: _Handler, mode: Mode) -> None:
    to.server.tests.closed.wait()


def _drip(to: _Handler, mode: Mode) -> None:
    to.head(200, {"Content-Length": "100000"})
    for _ in _until_nobody_reads(to):
        to.wfile.write(b" ")
        to.server.tests.closed.wait(0.05)


def _drip_head(to: _Handler, mode: Mode) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in _until_nobody_reads(to):
        to.wfile.write(b"x")
        to.server.tests.closed.wait(0.05)


def _blanks_first(to: _Handler, mode: Mode) -> None:
    to.head(200, {})
    for _ in range(3):
        to.wfile.write(b"\n   ")
        to.server.tests.closed.wait(0.05)
    to.wfile.write(mode.body())


def _byte_order_mark(to: _Handler, mode: Mode) -> None:
    to.send(200, b"\xef\xbb\xbf" + mode.body())


def _two_choices(to: _Handler, mode: Mode) -> None:
    whole = reply(GOOD)
    whole["choices"] += reply("another one")["choices"]
    to.send(200, json.dumps(whole).encode())


def _until_nobody_reads(to: _Handler) -> Iterator[int]:
    number = 0
    while not to.server.tests.closed.is_set():
        yield number
        number += 1


_ACTS: dict[str, Callable[[_Handler, Mode], None]] = {
    "hang-up": _hang_up,
    "reset": _reset,
    "half-body": _half_body,
    "half-chunks": _half_chunks,
    "half-head": _half_head,
    "garbage": _garbage,
    "bad-chunks": _bad_chunks,
    "endless-head": _endless_head,
    "redirect-loop": _redirect_loop,
    "gzip": _gzip,
    "bad-gzip": _bad_gzip,
    "gzip-bomb": _gzip_bomb,
    "no-length": _no_length,
    "closes-quietly": _closes_quietly,
    "short-length": _short_length,
    "early-hints": _early_hints,
    "endless-body": _endless_body,
    "silent": _silent,
    "drip": _drip,
    "drip-head": _drip_head,
    "blanks-first": _blanks_first,
    "byte-order-mark": _byte_order_mark,
    "two-choices": _two_choices,
}


def reply(content: str, **message: Any) -> dict[str, Any]:
    """A good reply with that text."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, **message},
        "finish_reason": "stop",
    }
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }
