"""vLLM, the fast engine. Each model runs in a child process, whose end frees all of its memory.

The child (`worker.py`) runs vLLM's AsyncLLM. The parent sends requests, up to a bounded number in
flight, and yields completions as they finish. If the child dies, the stage ends with an EngineError
and every row so far is kept. While the parent waits it checks, once a second, whether the child is
alive and, while the child loads the model, whether the time limit is over.
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
from racro_eval.engines.failures import failed, last_line, one_line
from racro_eval.engines.loading import current_loading
from racro_eval.engines.vllm.frames import Frame, read_frame, write_frame
from racro_eval.engines.window import keep_in_flight
from racro_eval.errors import ConfigError, DataError, EngineError, MissingError, RacroError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_STOP_TIMEOUT_S = 10
_CHECK_INTERVAL_S = 1.0
"""Between two checks whether a reply can still come."""
_LOG_TAIL_BYTES = 16384
"""How much of the log is read for its last line."""
_LONGEST_CAUSE = 500
_ERRORS: dict[str, type[RacroError]] = {
    kind.__name__: kind for kind in (ConfigError, MissingError, EngineError)
}
_CAUSE = re.compile(r"(?:^|\s)((?:[A-Za-z_.]+Error|[A-Za-z_.]+Exception): .+)$")
_CONSEQUENCE = re.compile(
    r"Engine core (?:proc|init)|EngineDeadError|WorkerProc init|EngineCore enc"
)


class VllmEngine:
    """Completes requests with vLLM, on GPUs or, where vLLM is built for it, on the CPU.

    The entry's `tp` and `dp` are tensor and data parallel size; its `options` are further settings
    of vLLM's AsyncEngineArgs by their names, e.g. gpu_memory_utilization or max_num_seqs.
    max_images: the largest number of images in a request.
    """

    def __init__(self, entry: ModelEntry, max_images: int = 1) -> None:
        self._name = entry.name
        self._loading = loading = current_loading()
        self._loaded = False
        self._log = log = _log_file()
        with deferred():  # an interrupt must not leave a child that nothing ends
            try:
                self._process, self._requests, replies = _start(log)
            except BaseException:
                shutil.rmtree(log.parent, ignore_errors=True)
                raise
            # If `close` is never called, the end of this process ends the child.
            self._end_child = weakref.finalize(self, _end, self._process, log)
            self._replies = io.BufferedReader(_Replies(replies, self._can_reply))
        loading.log_line = lambda: _last_line(log)
        try:
            self._send({"entry": entry.model_dump(mode="json"), "max_images": max_images})
            ready = self._receive().header
            if not {"window", "versions"} <= set(ready):
                raise self._invalid_message("the first one has no versions")
        except BaseException:
            self.close()
            raise
        self._loaded = True
        self._window: int = ready["window"]
        self.info = EngineInfo("vllm", entry.model, ready["versions"], ready["device"])

    def _can_reply(self) -> bool:
        """Whether a reply can still come. Raises EngineError if loading has taken too long."""
        if not self._loaded:
            self._loading.check()
        return self._process.poll() is None

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Complete the requests as they finish. Raises EngineError if the engine dies."""
        return keep_in_flight(requests, self._window, self._submit, self._next_completion)

    def _submit(self, request: Request) -> Completion | None:
        """Send a request, or return its failure if its images cannot be read."""
        try:
            blobs = [image.read() for image in request.images]
        except DataError as error:
            return failed(request, error)
        self._send(_request_header(request), blobs)
        return None

    def _next_completion(self) -> Completion:
        header = self._receive().header
        try:
            return _completion(header)
        except (KeyError, TypeError) as error:
            raise self._invalid_message(error) from error

    def close(self) -> None:
        """End the child, and with it all processes that vLLM started. Safe to call twice.

        Requests in flight are cancelled; a child that is still loading is killed at once.
        """
        try:
            for pipe in (self._requests, self._replies):
                with contextlib.suppress(OSError):
                    pipe.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_TIMEOUT_S if self._loaded else 0)
        finally:
            self._end_child()

    def _send(self, header: dict[str, Any], blobs: Iterable[bytes] = ()) -> None:
        try:
            write_frame(self._requests, header, list(blobs))
        except OSError as error:
            raise self._dead() from error

    def _receive(self) -> Frame:
        try:
            frame = read_frame(self._replies)
        except DataError as error:
            raise self._invalid_message(error) from error
        if frame is None:
            raise self._dead()
        if "failure" in frame.header:
            kind = _ERRORS.get(frame.header["failure"])
            if kind is None:
                raise self._dead()
            raise kind(frame.header["message"])
        return frame

    def _invalid_message(self, problem: object) -> EngineError:
        return EngineError(
            f"The process of vLLM with {self._name} sent an invalid message ({problem}). Finished "
            "rows are kept; the same command goes on from them."
        )

    def _dead(self) -> EngineError:
        cause = _cause(_read(self._log))
        return EngineError(
            f"vLLM with {self._name} ended: {cause} Finished rows are kept; the same command "
            "goes on from them."
        )


class _Replies(io.RawIOBase):
    """The pipe from the child. A read waits for bytes only as long as some can come.

    can_come: called about once a second; False ends the pipe, and what it raises ends the read.
    """

    def __init__(self, fd: int, can_come: Callable[[], bool]) -> None:
        super().__init__()
        self._fd, self._can_come = fd, can_come
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the available bytes; 0 at the end."""
        can_come = True
        while not self._poll.poll(_CHECK_INTERVAL_S * 1000 if can_come else 0):
            if not can_come:
                return 0
            can_come = self._can_come()  # False: what the child wrote before its end is still read
        return os.readv(self._fd, [buffer])

    def close(self) -> None:
        if not self.closed:
            os.close(self._fd)
        super().close()


def _log_file() -> Path:
    """A file for the child's output, in a folder of its own."""
    try:
        return Path(tempfile.mkdtemp(prefix="racro-eval-")) / "vllm.log"
    except OSError as error:
        raise ConfigError(
            f"vLLM's log cannot be written: {error.strerror}. Name a folder with room in TMPDIR."
        ) from error


def _end(process: subprocess.Popen[bytes], log: Path) -> None:
    """Kill the child and the processes that it started, if they still run."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # the child leads a process group
    process.wait()
    shutil.rmtree(log.parent, ignore_errors=True)


def _start(log: Path) -> tuple[subprocess.Popen[bytes], Any, int]:
    """The child, the pipe to it, the pipe from it. Its output goes to the log."""
    environment = {
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_CPU_KVCACHE_SPACE": "2",  # GiB; only vLLM's CPU build reads it
        "TQDM_DISABLE": "1",
        **os.environ,
    }
    module = "racro_eval.engines.vllm.worker"
    with contextlib.ExitStack() as of_child, contextlib.ExitStack() as of_parent:
        output = of_child.enter_context(log.open("wb"))
        child_in, to_child = os.pipe()
        of_child.callback(os.close, child_in)
        of_parent.callback(os.close, to_child)
        from_child, child_out = os.pipe()
        of_child.callback(os.close, child_out)
        of_parent.callback(os.close, from_child)
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(child_in), str(child_out)],
            pass_fds=(child_in, child_out),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,  # Ctrl-C goes to the parent, which writes its rows first
        )
        of_parent.pop_all()
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
    """The log, or its last bytes; "" if it cannot be read."""
    try:
        with log.open("rb") as file:
            if last_bytes is not None:
                file.seek(max(0, log.stat().st_size - last_bytes))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _last_line(log: Path) -> str:
    return last_line(_read(log, _LOG_TAIL_BYTES))


def _cause(log: str) -> str:
    """The first error in a log of vLLM that is not the consequence of another."""
    for line in log.splitlines():
        match = _CAUSE.search(line)
        if match and not _CONSEQUENCE.search(line):
            return one_line(match[1], _LONGEST_CAUSE)
    return "it was killed, possibly by the OOM killer."
