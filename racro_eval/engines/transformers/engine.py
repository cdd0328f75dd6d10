"""Models on one CPU or one GPU, with transformers. For small models and tests.

Rows are generated in batches of similar length. A row's text does not depend on its batch: padding
is masked, and every row has its own sampling and its own seed.
"""

from __future__ import annotations

import gc
import itertools
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import transformers

from racro_eval.engines import options
from racro_eval.engines.base import Completion, EngineInfo, Request, Usage
from racro_eval.engines.failures import describe, failed
from racro_eval.engines.transformers.loading import load_model, make_prompts
from racro_eval.engines.transformers.process_settings import one_thread, quiet
from racro_eval.engines.transformers.sampling import RowLimits, RowSampler
from racro_eval.errors import ConfigError, DataError, EngineError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_NAME = "transformers"
_SMALL_MODEL = 100_000_000
"""Parameters."""
_BATCHES_PER_WINDOW = 8


@dataclass(frozen=True, slots=True)
class _Draft:
    """A request whose images are not open yet. length: its approximate number of tokens."""

    request: Request
    text: str
    length: int

    @property
    def group(self) -> tuple[int, bool]:
        """Drafts of a group can share a batch: of similar max_tokens, all with images or none."""
        return self.request.sampling.max_tokens.bit_length(), bool(self.request.images)


class TransformersEngine:
    """Runs one vision-language or text-only model in this process. Options of the entry:

    batch_size: rows that are generated together; 8 on a CPU, 16 on a GPU, and eight times as many
    for models under 100 million parameters, whose steps take equally long for one row or many.
    window (8 batches): requests that are pulled in advance and sorted by length into batches.
    """

    def __init__(self, entry: ModelEntry, max_images: int = 1) -> None:
        """Load the model. `max_images` is not used: any number of images is possible.

        Raises ConfigError, MissingError or EngineError.
        """
        _check_settings(entry)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        loaded = load_model(entry, self._device)
        usual = 8 if self._device.type == "cpu" else 16
        self._is_small = loaded.model.num_parameters() < _SMALL_MODEL
        if self._is_small:
            usual *= 8
        self._batch_size = options.whole_number(_NAME, entry.options, "batch_size", usual)
        self._window = options.whole_number(
            _NAME, entry.options, "window", self._batch_size * _BATCHES_PER_WINDOW
        )
        self._model: Any | None = loaded.model
        self._dtype = loaded.model.dtype
        self._eos_ids, self._context = loaded.eos_ids, loaded.context
        self._prompts = make_prompts(entry, loaded.tokenizer, loaded.processor)
        self._model_name = entry.name
        versions = {"transformers": transformers.__version__, "torch": str(torch.__version__)}
        device = "cpu" if self._device.type == "cpu" else "gpu"
        self.info = EngineInfo(_NAME, entry.model, versions, device)

    def stream(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Complete the requests batch by batch, pulling one window of them at a time.

        Raises EngineError if the engine is closed or the GPU fails for good.
        """
        waiting = iter(requests)
        while window := list(itertools.islice(waiting, self._window)):
            drafts = []
            for request in window:
                try:
                    drafts.append(self._draft(request))
                except Exception as error:  # an unreadable image, for instance
                    yield failed(request, error)
            for batch in self._batches(drafts):
                yield from self._complete(batch)

    def close(self) -> None:
        """Free the model and its memory. Safe to call twice."""
        self._model = None
        self._release_memory()

    def _release_memory(self) -> None:
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _draft(self, request: Request) -> _Draft:
        text = self._prompts.render(request)
        draft = _Draft(request, text, self._prompts.length(request, text))
        if not request.images:
            self._room(draft.length)
        return draft

    def _batches(self, drafts: Sequence[_Draft]) -> Iterator[Sequence[_Draft]]:
        """Batches of one group each, longest prompts first: a lack of memory shows early."""
        ordered = sorted(drafts, key=lambda draft: (draft.group, -draft.length))
        for _, members in itertools.groupby(ordered, key=lambda draft: draft.group):
            rows = iter(members)
            while batch := list(itertools.islice(rows, self._batch_size)):
                yield batch

    def _complete(self, batch: Sequence[_Draft]) -> Iterator[Completion]:
        """Complete a batch. If it fails, try its halves, down to the rows that fail alone."""
        started = time.perf_counter()
        try:
            with self._threads(), quiet():
                completions = self._generate(batch, started)
        except EngineError:
            raise
        except Exception as error:
            if _gpu_is_lost(error):
                raise EngineError(
                    f"The GPU failed under {self._model_name}: {describe(error)}"
                ) from error
            failure = error
        else:
            yield from completions
            return
        if len(batch) == 1:
            yield failed(batch[0].request, failure, time.perf_counter() - started)
            return
        del failure  # its traceback references the batch's tensors
        self._release_memory()
        middle = len(batch) // 2
        yield from self._complete(batch[:middle])
        yield from self._complete(batch[middle:])

    def _threads(self) -> AbstractContextManager[None]:
        """A small model is faster on one thread: several cost more time than they save."""
        return one_thread() if self._is_small else nullcontext()

    def _generate(self, batch: Sequence[_Draft], started: float) -> list[Completion]:
        if self._model is None:
            raise EngineError(f"The engine of {self._model_name} is closed.")
        requests = [draft.request for draft in batch]
        inputs = self._prompts.encode(requests, [draft.text for draft in batch])
        inputs = {name: self._to_device(value) for name, value in inputs.items()}
        mask = inputs["attention_mask"]
        prompt_tokens = mask.sum(dim=1).tolist()
        limits = [
            min(request.sampling.max_tokens, self._room(tokens))
            for request, tokens in zip(requests, prompt_tokens, strict=True)
        ]
        sampler = RowSampler([request.sampling for request in requests], mask)
        with torch.inference_mode():
            output = self._model.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=max(limits),
                logits_processor=[sampler],
                stopping_criteria=[RowLimits(mask.shape[1], limits, self._device)],
            )
        answers = output[:, mask.shape[1] :].tolist()
        latency_s = time.perf_counter() - started
        rows = zip(batch, answers, limits, prompt_tokens, strict=True)
        return [
            self._completion(draft, answer[:limit], tokens, latency_s, sampler, n)
            for n, (draft, answer, limit, tokens) in enumerate(rows)
        ]

    def _to_device(self, value: torch.Tensor) -> torch.Tensor:
        """An input on the model's device; pixels in the model's dtype."""
        return value.to(self._device, self._dtype if value.is_floating_point() else value.dtype)

    def _completion(
        self,
        draft: _Draft,
        ids: list[int],
        prompt_tokens: int,
        latency_s: float,
        sampler: RowSampler,
        row: int,
    ) -> Completion:
        """The completion of one row.

        ids: the new tokens up to the row's limit; those after an end-of-text token are padding.
        """
        request = draft.request
        end = next((n for n, i in enumerate(ids) if i in self._eos_ids), None)
        generated = len(ids) if end is None else end + 1
        if not sampler.is_finite(row, generated):
            problem = DataError(
                f"{self._model_name} computed scores that are not numbers (NaN), so its text is "
                "meaningless. A dtype with a wider range (bfloat16, float32) may help."
            )
            return failed(request, problem, latency_s)
        logprobs = sampler.logprobs(row, generated)
        return Completion(
            request.id,
            texts=(self._prompts.text(ids[:end], draft.text),),
            finish_reasons=("length" if end is None else "stop",),
            usage=Usage(prompt_tokens, generated),
            latency_s=latency_s,
            token_logprobs=None if logprobs is None else (logprobs,),
        )

    def _room(self, prompt_tokens: int) -> int:
        """The most tokens that an answer can have. Raises DataError if the prompt leaves none."""
        if self._context is None:
            return sys.maxsize
        if prompt_tokens >= self._context:
            raise DataError(
                f"The prompt has {prompt_tokens} tokens, but the context of {self._model_name} "
                f"is {self._context} tokens, with the answer."
            )
        return self._context - prompt_tokens


def _gpu_is_lost(error: Exception) -> bool:
    """Whether no row can succeed any more in this process; after a lack of memory others can."""
    message = str(error)
    return "CUDA error" in message and "out of memory" not in message


def _check_settings(entry: ModelEntry) -> None:
    options.check_known(_NAME, entry.options, ("batch_size", "window"))
    if (entry.tp, entry.dp) != (1, 1):
        raise ConfigError(
            f"The engine 'transformers' runs in one process, so tp and dp must be 1 for "
            f"{entry.name}; the engine 'vllm' spreads a model over several GPUs."
        )
    if entry.quantization is not None:
        raise ConfigError(
            f"The engine 'transformers' does not quantise weights: remove `quantization` from "
            f"{entry.name}, or use a checkpoint that is already quantised."
        )
