"""vLLM: the fast engine. Each model runs in a child process of its own, so that its memory returns.

The child (`vllm_worker.py`) holds vLLM's AsyncLLM. This side sends requests up to a bounded number
in flight and gives completions as they finish. If the child dies, whatever the reason, the stage
ends with an EngineError and every row given so far is kept.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from racro_eval.engines.base import Completion, EngineInfo, Request, Usage
from racro_eval.engines.failures import failed
from racro_eval.engines.frames import Frame, read_frame, write_frame
from racro_eval.engines.window import keep_in_flight
from racro_eval.errors import ConfigError, DataError, EngineError, MissingError, RacroError

if TYPE_CHECKING:
    from racro_eval.models import ModelEntry

_STOP_SECONDS = 10
_ERRORS: dict[str, type[RacroError]] = {
    kind.__name__: kind for kind in (ConfigError, MissingError, EngineError)
}
_CAUSE = re.compile(r"(?:^|\s)((?:[A-Za-z_.]+Error|[A-Za-z_.]+Exception): .+)$")
_NO_CAUSE = re.compile(r"Engine core (?:proc|init)|EngineDeadError|WorkerProc init|EngineCore enc")


class VllmEngine:
    """Completes requests with vLLM, on GPUs or, where vLLM is built for it, on the CPU.

    The entry's `tp` and `dp` are tensor and data parallel size; its `options` are further settings
    of vLLM's AsyncEngineArgs by their names, e.g. gpu_memory_utilization or max_num_seqs.
    max_images: the most images of one request.
    """

    def __init__(self, entry: ModelEntry, max_images: int = 1) -> None:
        self._name = entry.name
        self._log = Path(tempfile.mkdtemp(prefix="racro-eval-")) / "vllm.log"
        self._process, self._requests, self._replies = _start(self._log)
        self._loaded = False
        try:
            self._send({"entry": entry.model_dump(mode="json"), "max_images": max_images})
            ready = self._receive().header
            if not {"window", "versions"} <= set(ready):
                raise self._garbled("it began with something else than its versions")
        except BaseException:
            self.close()
            raise
        self._loaded = True
        self._window: int = ready["window"]
        self.info = EngineInfo("vllm", entry.model, ready["versions"], ready["device"])

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Complete the requests as they finish; raises EngineError if the engine dies."""
        return keep_in_flight(requests, self._window, self._ask, self._answer)

    def _ask(self, request: Request) -> Completion | None:
        """Send a request; one whose images cannot be read has failed already."""
        try:
            blobs = [image.read() for image in request.images]
        except DataError as error:
            return failed(request, error)
        self._send(_request_header(request), blobs)
        return None

    def _answer(self) -> Completion:
        header = self._receive().header
        try:
            return _completion(header)
        except (KeyError, TypeError) as error:
            raise self._garbled(error) from error

    def close(self) -> None:
        """End the child, and with it all processes that vLLM started. Safe to call twice.

        Requests still in flight are given up; a child that is still loading is not waited for.
        """
        for pipe in (self._requests, self._replies):
            with contextlib.suppress(OSError):
                pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS if self._loaded else 0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # what is left of its process group
        self._process.wait()
        shutil.rmtree(self._log.parent, ignore_errors=True)

    def _send(self, header: dict[str, Any], blobs: Iterable[bytes] = ()) -> None:
        try:
            write_frame(self._requests, header, list(blobs))
        except OSError as error:
            raise self._dead() from error

    def _receive(self) -> Frame:
        try:
            frame = read_frame(self._replies)
        except DataError as error:
            raise self._garbled(error) from error
        if frame is None:
            raise self._dead()
        if "failure" in frame.header:
            kind = _ERRORS.get(frame.header["failure"])
            if kind is None:
                raise self._dead()
            raise kind(frame.header["message"])
        return frame

    def _garbled(self, what: object) -> EngineError:
        return EngineError(
            f"The process of vLLM with {self._name} cannot be understood ({what}). Finished rows "
            "are kept; the same command goes on from them."
        )

    def _dead(self) -> EngineError:
        cause = _cause(self._log.read_text(encoding="utf-8", errors="replace"))
        return EngineError(
            f"vLLM with {self._name} ended: {cause} Finished rows are kept; the same command "
            "goes on from them."
        )


def _start(log: Path) -> tuple[subprocess.Popen[bytes], Any, Any]:
    """The child, the pipe to it, the pipe from it. Its own output goes to the log."""
    child_in, to_child = os.pipe()
    from_child, child_out = os.pipe()
    environment = {
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_CPU_KVCACHE_SPACE": "2",  # GiB; read by vLLM's CPU build alone
        "TQDM_DISABLE": "1",
        **os.environ,
    }
    module = "racro_eval.engines.vllm_worker"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(child_in), str(child_out)],
            pass_fds=(child_in, child_out),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,  # Ctrl-C is this side's; it ends the child when rows are safe
        )
    os.close(child_in)
    os.close(child_out)
    return process, os.fdopen(to_child, "wb"), os.fdopen(from_child, "rb")


def _request_header(request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "messages": [[message.role, message.content] for message in request.messages],
        "sampling": asdict(request.sampling),
    }


def _completion(header: dict[str, Any]) -> Completion:
    logprobs = header["token_logprobs"]
    return Completion(
        header["id"],
        texts=tuple(header["texts"]),
        finish_reasons=tuple(header["finish_reasons"]),
        usage=Usage(header["prompt_tokens"], header["completion_tokens"]),
        latency_s=header["latency_s"],
        error=header["error"],
        token_logprobs=None if logprobs is None else tuple(map(tuple, logprobs)),
    )


def _cause(log: str) -> str:
    """The error in a log of vLLM that says why: the first one that is not about another one."""
    for line in log.splitlines():
        match = _CAUSE.search(line)
        if match and not _NO_CAUSE.search(line):
            return match[1].strip()[:500]
    return "it was killed, by the system for want of memory perhaps."
