"""Downloads, from a real server on loopback that can be as bad as real ones are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from racro_eval import load_benchmark
from racro_eval.data.data_roots import benchmark_cache
from racro_eval.errors import ChecksumError, MissingError
from tests.support.benchmarks import base64_picture, make_tsv, write_spec


@dataclass
class Server:
    """What is served, how, and what was asked for.

    ranges: whether `Range` is honoured. cut: after so many bytes the connection ends, once.
    """

    folder: Path
    address: str = ""
    ranges: bool = True
    cut: int | None = None
    asked: list[str] = field(default_factory=list)


class _Handler(SimpleHTTPRequestHandler):
    server_state: Server

    def do_GET(self) -> None:
        state = self.server_state
        path = Path(self.translate_path(self.path))
        wanted = self.headers.get("Range", "")
        state.asked.append(wanted)
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        start = int(wanted.removeprefix("bytes=").removesuffix("-") or 0) if state.ranges else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body, state.cut = content[start:][: state.cut], None
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    state = Server(tmp_path / "served")
    state.folder.mkdir()
    handler = type("Handler", (_Handler,), {"server_state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=state.folder)) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        state.address = f"http://127.0.0.1:{http.server_port}"
        yield state
        http.shutdown()


def spec(tmp_path: Path, server: Server, **source: str) -> Path:
    """The YAML of a benchmark of two rows that the server has."""
    cells = {"question": "Q" * 100_000, "answer": "1"}
    rows = [{"index": str(n), "image": base64_picture(n), **cells} for n in (1, 2)]
    content = make_tsv(server.folder / "small.tsv", rows).read_bytes()
    known = {
        "kind": "tsv",
        "file": "small.tsv",
        "url": f"{server.address}/small.tsv",
        "md5": hashlib.md5(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return write_spec(tmp_path / "Small.yaml", {**known, **source}, 2)


def part_of(server: Server, size: int) -> Path:
    """What an interrupted download left."""
    part = benchmark_cache() / "small.tsv.part"
    part.parent.mkdir(parents=True)
    part.write_bytes((server.folder / "small.tsv").read_bytes()[:size])
    return part


def kept() -> list[str]:
    return sorted(path.name for path in benchmark_cache().glob("small*"))


def test_a_download_is_checked_and_kept(tmp_path: Path, server: Server) -> None:
    path = spec(tmp_path, server)
    assert len(load_benchmark(str(path))) == 2
    assert len(load_benchmark(str(path))) == 2
    assert server.asked == [""], "the second load takes the cached file"
    assert kept() == ["small.tsv"]


def test_an_interrupted_download_goes_on_where_it_stopped(tmp_path: Path, server: Server) -> None:
    path = spec(tmp_path, server)
    server.cut = 150_000
    with pytest.raises(MissingError, match="The same command resumes it"):
        load_benchmark(str(path))
    assert kept() == ["small.tsv.part"]
    assert len(load_benchmark(str(path))) == 2
    assert server.asked == ["", f"bytes={2 * 65536}-"]
    assert kept() == ["small.tsv"]


def test_a_server_that_knows_no_ranges_sends_all_of_it_again(
    tmp_path: Path, server: Server
) -> None:
    path = spec(tmp_path, server)
    server.ranges = False
    part_of(server, 100)
    assert len(load_benchmark(str(path))) == 2
    assert server.asked == ["bytes=100-"]


def test_a_finished_part_is_taken_as_it_is(tmp_path: Path, server: Server) -> None:
    path = spec(tmp_path, server)
    part_of(server, 1 << 20)
    assert len(load_benchmark(str(path))) == 2


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_wrong_file_is_not_kept(tmp_path: Path, server: Server, algorithm: str) -> None:
    path = spec(tmp_path, server, **{algorithm: "0" * 32})
    with pytest.raises(ChecksumError, match=f"has {algorithm} .* published file has 0000"):
        load_benchmark(str(path))
    assert kept() == []


def test_a_file_that_the_server_does_not_have(tmp_path: Path, server: Server) -> None:
    path = spec(tmp_path, server, url=f"{server.address}/gone.tsv")
    with pytest.raises(MissingError, match=r"gone\.tsv \(HTTP 404\).* --data-root"):
        load_benchmark(str(path))
    assert kept() == []


def test_a_server_that_is_away(tmp_path: Path, server: Server) -> None:
    path = spec(tmp_path, server, url="http://127.0.0.1:9/small.tsv")
    with pytest.raises(MissingError, match=r"could not be downloaded .* --data-root"):
        load_benchmark(str(path))


def test_nothing_is_downloaded_offline(tmp_path: Path, server: Server) -> None:
    path = spec(tmp_path, server)
    with pytest.raises(MissingError, match="or leave out --offline"):
        load_benchmark(str(path), offline=True)
    assert server.asked == []


def test_a_local_copy_is_checked_too(tmp_path: Path, server: Server) -> None:
    path = spec(tmp_path, server)
    (server.folder / "small.tsv").write_text("index\timage\tquestion\tanswer\n")
    with pytest.raises(ChecksumError):
        load_benchmark(str(path), data_root=server.folder)
