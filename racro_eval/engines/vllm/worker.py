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
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from queue import SimpleQueue
from typing import Any, BinaryIO

from racro_eval.data.images import BytesImage, decode
from racro_eval.engines.base import Message, Request, Sampling
from racro_eval.engines.failures import describe, last_line
from racro_eval.engines.finish_reasons import finish_reason
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.engines.vllm.devices import check_device, parallel_sizes
from racro_eval.engines.vllm.frames import Frame, read_frame, write_frame
from racro_eval.engines.vllm.replicas import Replicas
from racro_eval.engines.vllm.settings import engine_settings, image_ids, sampling_settings
from racro_eval.errors import ConfigError, DataError, RacroError


class _EngineDied(Exception):
    """vLLM can no longer serve any request."""


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
    except _EngineDied:
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
    model = _Model(entry, max_images)
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
    except* _EngineDied:
        raise _EngineDied from None
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


async def _answer(model: _Model, frame: Frame, out: SimpleQueue[dict[str, Any] | None]) -> None:
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
    except _EngineDied:
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


class _Model:
    """A loaded vLLM engine with the model's own chat template."""

    def __init__(self, entry: ModelEntry, max_images: int) -> None:
        from vllm.usage.usage_lib import UsageContext as Context
        from vllm.v1.engine.async_llm import AsyncLLM

        from racro_eval.engines.transformers.loading import load_prompts

        self._prompts = load_prompts(entry)
        self._entry = entry
        arguments = _engine_args(entry, max_images if self._prompts.takes_images else 0)
        try:
            # Of offline work, because a server's batches are an eighth as large.
            config = arguments.create_engine_config(Context.LLM_CLASS)
        except ValueError as error:
            raise ConfigError(f"vLLM rejects {entry.name}: {_config_problem(error)}") from error
        try:
            self._engine = AsyncLLM.from_vllm_config(
                config, usage_context=Context.LLM_CLASS, disable_log_stats=True
            )
        except (RuntimeError, OSError, ValueError) as error:
            raise _EngineDied from error
        self._context = config.model_config.max_model_len
        replicas = config.parallel_config.data_parallel_size
        sequences = config.scheduler_config.max_num_seqs
        self.window = 2 * sequences * replicas
        self._replicas = Replicas(replicas, max_lead=sequences)
        self.versions = _versions()
        self.device = "cpu" if _on_cpu() else "gpu"

    async def complete(self, request: Request) -> dict[str, Any]:
        """Generate for one request; its images are decoded here, when its turn has come."""
        with self._replicas.assigned_rank(request.images) as rank:
            return await self._generate(request, rank)

    async def _generate(self, request: Request, rank: int | None) -> dict[str, Any]:
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        final = None
        prompt = await asyncio.to_thread(self._prompt, request)
        try:
            async for output in self._engine.generate(
                prompt,
                _sampling_params(request.sampling),
                request.id,
                tokenization_kwargs={"add_special_tokens": False},
                data_parallel_rank=rank,
            ):
                final = output
        except EngineDeadError as error:
            raise _EngineDied from error
        except EngineGenerateError as error:
            raise _root_cause(error) from error  # the outer errors only say what vLLM was doing
        except Exception as error:
            # Of a VLLMValidationError, which counts the characters of a text that is far too long.
            if getattr(error, "parameter", None) not in ("input_tokens", "input_text"):
                raise
            raise DataError(
                f"The prompt has {len(self._prompts.ids(prompt['prompt']))} tokens, without its "
                f"images, but the context of {self._entry.name} is {self._context} tokens, with "
                "the answer."
            ) from error
        text = partial(self._prompts.text, prompt=prompt["prompt"])
        return _outcome(final, text, logprobs=request.sampling.logprobs)

    def _prompt(self, request: Request) -> Any:
        prompt: dict[str, Any] = {"prompt": self._prompts.render(request)}
        if request.images:
            prompt["multi_modal_data"] = {"image": [decode(image) for image in request.images]}
            prompt["multi_modal_uuids"] = {"image": image_ids(self._entry, request.images)}
        return prompt

    def close(self) -> None:
        self._engine.shutdown()


def _outcome(final: Any, text: Callable[[Sequence[int]], str], *, logprobs: bool) -> dict[str, Any]:
    """The fields of a completion, from vLLM's last output for a request (None without any).

    Raises DataError if there is no answer: vLLM aborted the request, for instance.
    """
    outputs = final.outputs if final is not None else []
    if not outputs:
        raise DataError("vLLM ended the request without an answer.")
    return {
        "texts": [text(output.token_ids) for output in outputs],
        "finish_reasons": [finish_reason(output.finish_reason) for output in outputs],
        "prompt_tokens": len(final.prompt_token_ids or ()),
        "completion_tokens": sum(len(output.token_ids) for output in outputs),
        "token_logprobs": [_logprobs(output) for output in outputs] if logprobs else None,
    }


def _engine_args(entry: ModelEntry, max_images: int) -> Any:
    from vllm.engine.arg_utils import AsyncEngineArgs

    check_device(entry.name)
    known = {field.name for field in fields(AsyncEngineArgs)}
    for name in entry.options:
        if name not in known:
            raise ConfigError(f"vLLM has no engine argument {name!r} (an option of {entry.name}).")
    settings = engine_settings(entry, max_images, on_cpu=_on_cpu())
    tp, dp = parallel_sizes(entry)
    sizes = {"tensor_parallel_size": tp, "data_parallel_size": dp}
    return AsyncEngineArgs(**{**settings, **sizes, **entry.options})


def _on_cpu() -> bool:
    import torch

    return not torch.cuda.is_available()


def _sampling_params(sampling: Sampling) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(**sampling_settings(sampling), output_kind=RequestOutputKind.FINAL_ONLY)


def _root_cause(error: BaseException) -> BaseException:
    """The innermost error of a chain."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _logprobs(output: Any) -> list[float]:
    """The log-probability of each token of an answer."""
    steps = zip(output.token_ids, output.logprobs, strict=True)
    return [step[token].logprob for token, step in steps]


def _versions() -> dict[str, str]:
    import torch
    import transformers
    import vllm

    modules = {"vllm": vllm, "torch": torch, "transformers": transformers}
    return {name: str(module.__version__) for name, module in modules.items()}


def _config_problem(error: Exception) -> str:
    """The last line of pydantic's message that is not a link to its documentation."""
    lines = str(error).splitlines()
    described = "\n".join(line for line in lines if "For further information" not in line)
    return last_line(described) or type(error).__name__


if __name__ == "__main__":
    _fds = [int(argument) for argument in sys.argv[1:3]]
    with os.fdopen(_fds[0], "rb") as _requests, os.fdopen(_fds[1], "wb") as _replies:
        main(_requests, _replies)
