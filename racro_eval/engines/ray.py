"""Ray Data LLM: copies of a model on the machines of a Ray cluster, or on this one.

Ray places the copies, feeds them and starts one again that dies. Requests stay on this side until
a copy has room: the dataset that Ray works through holds only their numbers, and each number is
turned into a prompt by asking an actor on this machine. So images need no network disk, and memory
does not grow with them. The CSVs stay the resume point: they are written here, row by row.
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
from racro_eval.engines.failures import describe, failed
from racro_eval.engines.transformers.loading import load_eos_ids, load_prompts
from racro_eval.engines.vllm.settings import engine_settings, image_names, sampling_settings
from racro_eval.errors import ConfigError, DataError, EngineError, RacroError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_ERROR = "__inference_error__"
"""Ray's column for the failure of a row."""
_MAX_NUM_SEQS = 256
_USUAL = {"max_num_seqs": _MAX_NUM_SEQS, "max_num_batched_tokens": 8192}
"""What vLLM takes for offline work; Ray would get the smaller batches of a server."""
_REACHED_WITHIN_S = 30
_NODE_SETTINGS = {"VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "2"}


class RayEngine:
    """Completes requests with vLLM on a Ray cluster.

    The entry's `dp` is the number of copies, `tp` the GPUs of each; `options` are further settings
    of vLLM's engine by their names. The cluster is the one that RAY_ADDRESS names, else this
    machine alone. The model is loaded by `stream`, anew by each call.
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
        """Complete the requests as they finish. All are taken at once; their images are not."""
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
        desk_actor: Any = ray.remote(num_cpus=0, scheduling_strategy=here)(_Desk)
        desk = desk_actor.remote(self._entry, requests, prompts)
        # One row a block, so that a row is given as soon as it is finished.
        numbers = ray.data.range(len(requests), override_num_blocks=len(requests))
        rows = self._processor(numbers.map(partial(_with_desk, desk=desk)))
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
        if not ended and not self._is_cut(request, int(row["prompt_tokens"]), len(ids)):
            problem = DataError(
                f"The answer is not complete: it ended after {len(ids)} tokens, with neither an "
                "end-of-text nor a limit."
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

    def _is_cut(self, request: Request, prompt_tokens: int, tokens: int) -> bool:
        """Whether a limit can have ended an answer. Ray Data LLM does not hand on vLLM's reason.

        A context that only vLLM knows, because no setting names it, may have ended any answer.
        """
        named: Any = self._entry.options.get("max_model_len", self._entry.max_model_len)
        full = named is None or prompt_tokens + tokens >= int(named)
        return tokens > 0 and (tokens >= request.sampling.max_tokens or full)

    def close(self) -> None:
        """Leave the cluster; one that was started here ends. Safe to call twice."""
        ray.shutdown()


class _Desk:
    """Holds the requests on the machine where the run was started, and hands them out."""

    def __init__(
        self, entry: ModelEntry, requests: Sequence[Request], prompts: Sequence[Sequence[int]]
    ) -> None:
        self._entry, self._requests, self._prompts = entry, requests, prompts

    def take(self, number: int) -> dict[str, Any]:
        """A prompt and the bytes of its images, or the reason why there are none."""
        request = self._requests[number]
        try:
            return {
                "tokenized_prompt": self._prompts[number],
                "sampling_params": sampling_settings(request.sampling),
                "names": image_names(self._entry, request.images),
                "images": [image.read() for image in request.images],
                "places": [image.name for image in request.images],
            }
        except RacroError as error:
            return {_ERROR: describe(error)}


def _with_desk(row: dict[str, Any], desk: Any) -> dict[str, Any]:
    return {"id": row["id"], **ray.get(desk.take.remote(row["id"]))}


def _prompt(row: dict[str, Any]) -> dict[str, Any]:
    """A row as Ray Data LLM takes it; images are decoded here, when a copy has room."""
    if row.get(_ERROR):
        return {}
    try:
        found = zip(row["images"], row["places"], strict=True)
        images = [decode(BytesImage(bytes(data), str(place))) for data, place in found]
    except RacroError as error:
        return {_ERROR: describe(error)}
    shown: dict[str, Any] = {}
    if images:
        shown["multimodal_data"] = {"image": images}
        shown["multimodal_uuids"] = {"image": list(row["names"])}
    return shown


def _answer(row: dict[str, Any]) -> dict[str, Any]:
    """What this side wants of Ray Data LLM's answer."""
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
    here = {} if address else {"include_dashboard": False}
    try:
        ray.init(ignore_reinit_error=True, log_to_driver=False, logging_level="ERROR", **here)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"There is no Ray cluster at {address}" if address else "Ray does not start here"
        raise EngineError(f"{where}: {_cause(error)}") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False


def _check_reachable(address: str) -> None:
    """Raise EngineError if nobody listens at host:port; Ray itself would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdecimal()):
        return  # empty, "auto" or "local", which Ray answers at once
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACHED_WITHIN_S).close()
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
    settings |= {**_USUAL, "tensor_parallel_size": tp, **entry.options}
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
        runtime_env={"env_vars": {**_NODE_SETTINGS, **offline.variables()}},
    )


def _versions() -> dict[str, str]:
    """Versions without importing vllm, whose CPU build goes by another name."""
    found = {}
    for name in ("ray", "vllm", "vllm-cpu", "torch", "transformers"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _cause(error: Exception) -> str:
    """The last line of a Ray error that says something: its own traceback is above it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:500]
