"""A model that is loaded with vLLM's AsyncLLM, in the worker's process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

from racro_eval.data.images import decode
from racro_eval.engines.base import Request, Sampling
from racro_eval.engines.failures import last_line
from racro_eval.engines.finish_reasons import finish_reason
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.engines.vllm.devices import check_device, parallel_sizes
from racro_eval.engines.vllm.replicas import Replicas
from racro_eval.engines.vllm.settings import engine_settings, image_ids, sampling_settings
from racro_eval.errors import ConfigError, DataError


class EngineDied(Exception):
    """vLLM can no longer serve any request."""


class VllmModel:
    """A loaded vLLM engine with the model's own chat template."""

    def __init__(self, entry: ModelEntry, max_images: int) -> None:
        from vllm.usage.usage_lib import UsageContext as Context
        from vllm.v1.engine.async_llm import AsyncLLM

        from racro_eval.engines.transformers.loading import load_prompts

        self._prompts = load_prompts(entry)
        self._entry = entry
        arguments = engine_args(entry, max_images if self._prompts.takes_images else 0)
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
            raise EngineDied from error
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
            raise EngineDied from error
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
        return completion_fields(final, text, logprobs=request.sampling.logprobs)

    def _prompt(self, request: Request) -> Any:
        prompt: dict[str, Any] = {"prompt": self._prompts.render(request)}
        if request.images:
            prompt["multi_modal_data"] = {"image": [decode(image) for image in request.images]}
            prompt["multi_modal_uuids"] = {"image": image_ids(self._entry, request.images)}
        return prompt

    def close(self) -> None:
        self._engine.shutdown()


def completion_fields(
    final: Any, text: Callable[[Sequence[int]], str], *, logprobs: bool
) -> dict[str, Any]:
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


def engine_args(entry: ModelEntry, max_images: int) -> Any:
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
