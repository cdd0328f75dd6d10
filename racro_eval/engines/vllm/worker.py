"""The child process of the vLLM engine: `python -m racro_eval.engines.vllm.worker IN OUT`.

IN and OUT are file descriptors of pipes. The first message says which model to load; each further
message is a request, which is answered when it is finished. The process ends when the parent closes
the pipe or dies, whatever is in flight, so that no killed run leaves an engine on a GPU.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from queue import SimpleQueue
from typing import Any, BinaryIO

from racro_eval.data.images import BytesImage
from racro_eval.engines.base import Message, Request, Sampling
from racro_eval.engines.failures import describe
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.engines.vllm.frames import Frame, read_frame, write_frame
from racro_eval.engines.vllm.model import EngineDied, VllmModel
from racro_eval.errors import DataError, RacroError


def main(requests: BinaryIO, replies: BinaryIO) -> None:
    """Serve requests until their pipe ends."""
    first = _read(requests)
    if first is None:
        return
    out: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
    sender = threading.Thread(target=_send_all, args=(out, replies))
    sender.start()
    try:
        entry = ModelEntry.model_validate(first.header["entry"])
        asyncio.run(_serve(entry, first.header["max_images"], requests, out))
    except EngineDied:
        out.put({"failure": "died"})
    except RacroError as error:
        out.put({"failure": type(error).__name__, "message": str(error)})
    finally:
        out.put(None)
        sender.join()


def _send_all(out: SimpleQueue[dict[str, Any] | None], replies: BinaryIO) -> None:
    """Send messages, in a thread of its own so that reading never waits for writing."""
    while (header := out.get()) is not None:
        try:
            write_frame(replies, header)
        except OSError:  # the parent may have closed its pipe
            return


async def _serve(
    entry: ModelEntry, max_images: int, requests: BinaryIO, out: SimpleQueue[dict[str, Any] | None]
) -> None:
    incoming: asyncio.Queue[Frame | None] = asyncio.Queue()
    loaded = threading.Event()
    reader = (requests, incoming, asyncio.get_running_loop(), loaded)
    threading.Thread(target=_read_all, args=reader, daemon=True).start()
    model = VllmModel(entry, max_images)
    loaded.set()
    out.put({"window": model.window, "versions": model.versions, "device": model.device})
    try:
        async with asyncio.TaskGroup() as tasks:
            running: set[asyncio.Task[None]] = set()
            while (frame := await incoming.get()) is not None:
                task = tasks.create_task(_answer(model, frame, out))
                running.add(task)
                task.add_done_callback(running.discard)
            for task in running:  # no one waits for their answers: vLLM aborts them at once
                task.cancel()
    except* EngineDied:
        raise EngineDied from None
    finally:
        model.close()


def _read_all(
    requests: BinaryIO,
    incoming: asyncio.Queue[Frame | None],
    loop: asyncio.AbstractEventLoop,
    loaded: threading.Event,
) -> None:
    frame: Frame | None = Frame({})
    while frame is not None:
        frame = _read(requests)
        if frame is None and not loaded.is_set():
            # The run was killed while its model was loading: free the GPUs for the next run.
            os.killpg(0, signal.SIGKILL)
        loop.call_soon_threadsafe(incoming.put_nowait, frame)


def _read(requests: BinaryIO) -> Frame | None:
    """The next message; None at the end of the pipe, or if it cannot be read."""
    try:
        return read_frame(requests)
    except DataError:
        return None


async def _answer(model: VllmModel, frame: Frame, out: SimpleQueue[dict[str, Any] | None]) -> None:
    started = time.perf_counter()
    reply: dict[str, Any] = {
        "id": frame.header["id"],
        "texts": [],
        "finish_reasons": [],
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "token_logprobs": None,
        "error": None,
    }
    try:
        reply |= await model.complete(_request(frame))
    except EngineDied:
        raise
    except Exception as error:  # whatever goes wrong with one request is data
        reply["error"] = describe(error)
    out.put({**reply, "latency_s": time.perf_counter() - started})


def _request(frame: Frame) -> Request:
    return Request(
        frame.header["id"],
        tuple(Message(role, content) for role, content in frame.header["messages"]),
        tuple(BytesImage(blob, f"image {n}") for n, blob in enumerate(frame.blobs, start=1)),
        Sampling(**frame.header["sampling"]),
    )


if __name__ == "__main__":
    _fds = [int(argument) for argument in sys.argv[1:3]]
    with os.fdopen(_fds[0], "rb") as _requests, os.fdopen(_fds[1], "wb") as _replies:
        main(_requests, _replies)
