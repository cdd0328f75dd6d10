"""vLLM: the fast engine. Each model runs in a child process of its own, so that its memory returns.

The child (`vllm_worker.py`) holds vLLM's AsyncLLM. This side sends requests up to a bounded number
in flight and gives completions as they finish. If the child dies, whatever the reason, the stage
ends with an EngineError and every row given so far is kept. Nothing is waited for without asking,
once a second, whether the child still lives and, while it loads, whether its time is up.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from racro_eval.common.interrupts import deferred
from racro_eval.engines.base import Completion, EngineInfo, Request, Usage
from racro_eval.engines.failures import failed
from racro_eval.engines.loading import current_loading
from racro_eval.engines.vllm.frames import Frame, read_frame, write_frame
from racro_eval.engines.window import keep_in_flight
from racro_eval.errors import ConfigError, DataError, EngineError, MissingError, RacroError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_STOP_SECONDS = 10
_LOOK_SECONDS = 1.0
"""So often is asked whether what is waited for can still come."""
_TAIL_BYTES = 16384
"""As much of the log is read for its last line."""
_ERRORS: dict[str, type[RacroError]] = {
    kind.__name__: kind for kind in (ConfigError, MissingError, EngineError)
}
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
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
        self._loading = loading = current_loading()
        self._loaded = False
        self._log = log = _log_file()
        with deferred():  # a child that is started is one that is ended
            try:
                self._process, self._requests, replies = _start(log)
            except BaseException:
                shutil.rmtree(log.parent, ignore_errors=True)
                raise
            # Whoever forgets to close: at the latest, the end of this process ends the child.
            self._end = weakref.finalize(self, _end, self._process, log)
            self._replies = io.BufferedReader(_Replies(replies, self._go_on))
        loading.words = lambda: _last_line(log)
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

    def _go_on(self) -> bool:
        """Whether a reply can still come. Raises EngineError if loading has taken too long."""
        if not self._loaded:
            self._loading.check()
        return self._process.poll() is None

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
        try:
            for pipe in (self._requests, self._replies):
                with contextlib.suppress(OSError):
                    pipe.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS if self._loaded else 0)
        finally:
            self._end()

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
        cause = _cause(_read(self._log))
        return EngineError(
            f"vLLM with {self._name} ended: {cause} Finished rows are kept; the same command "
            "goes on from them."
        )


class _Replies(io.RawIOBase):
    """The pipe from the child. A read waits for bytes, but only as long as some can come.

    go_on: asked about once a second; False ends the pipe, and what it raises ends the reading.
    """

    def __init__(self, fd: int, go_on: Callable[[], bool]) -> None:
        super().__init__()
        self._fd, self._go_on = fd, go_on
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there; 0 at the end."""
        going_on = True
        while not self._poll.poll(_LOOK_SECONDS * 1000 if going_on else 0):
            if not going_on:
                return 0
            going_on = self._go_on()  # what a child has written before its end is read all the same
        return os.readv(self._fd, [buffer])

    def close(self) -> None:
        if not self.closed:
            os.close(self._fd)
        super().close()


def _log_file() -> Path:
    """A file for the child's own output, in a folder of its own."""
    try:
        return Path(tempfile.mkdtemp(prefix="racro-eval-")) / "vllm.log"
    except OSError as error:
        raise ConfigError(
            f"vLLM's log cannot be written: {error.strerror}. Name a folder with room in TMPDIR."
        ) from error


def _end(process: subprocess.Popen[bytes], log: Path) -> None:
    """Kill what is left of the child and of the processes that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # it leads a process group of its own
    process.wait()
    shutil.rmtree(log.parent, ignore_errors=True)


def _start(log: Path) -> tuple[subprocess.Popen[bytes], Any, int]:
    """The child, the pipe to it, the pipe from it. Its own output goes to the log."""
    environment = {
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_CPU_KVCACHE_SPACE": "2",  # GiB; read by vLLM's CPU build alone
        "TQDM_DISABLE": "1",
        **os.environ,
    }
    module = "racro_eval.engines.vllm.worker"
    with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
        output = theirs.enter_context(log.open("wb"))
        child_in, to_child = os.pipe()
        theirs.callback(os.close, child_in)
        ours.callback(os.close, to_child)
        from_child, child_out = os.pipe()
        theirs.callback(os.close, child_out)
        ours.callback(os.close, from_child)
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(child_in), str(child_out)],
            pass_fds=(child_in, child_out),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,  # Ctrl-C is this side's; it ends the child when rows are safe
        )
        ours.pop_all()
    return process, os.fdopen(to_child, "wb"), from_child


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


def _read(log: Path, last_bytes: int | None = None) -> str:
    """The log, or the end of it; empty if it cannot be read."""
    try:
        with log.open("rb") as file:
            if last_bytes is not None:
                file.seek(max(0, log.stat().st_size - last_bytes))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _last_line(log: Path) -> str:
    """The last line of the log that is not empty, without colours and prefixes of bars."""
    text = _COLOURS.sub("", _read(log, _TAIL_BYTES)).replace("\r", "\n")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _cause(log: str) -> str:
    """The error in a log of vLLM that says why: the first one that is not about another one."""
    for line in log.splitlines():
        match = _CAUSE.search(line)
        if match and not _NO_CAUSE.search(line):
            return match[1].strip()[:500]
    return "it was killed, by the system for want of memory perhaps."
