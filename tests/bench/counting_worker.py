"""Counts what a vLLM worker does, which imports this as the home of `worker_extension_cls`."""

from __future__ import annotations

import fcntl
import mmap
import os
from typing import Any

from vllm.distributed import get_tensor_model_parallel_rank
from vllm.v1.worker.gpu_model_runner import GPUModelRunner

from tests.bench.counting import FIELDS, VARIABLE


class Extension:
    """Nothing that a worker would call."""


def _count_steps() -> None:
    file = open(os.environ[VARIABLE], "r+b")  # noqa: SIM115 (open as long as the worker lives)
    counts = mmap.mmap(file.fileno(), FIELDS.size)
    execute = GPUModelRunner.execute_model

    def counted(self: Any, scheduled: Any, *args: Any, **kwargs: Any) -> Any:
        # tensor parallel workers take each step together, data parallel ones each their own
        if scheduled.total_num_scheduled_tokens and get_tensor_model_parallel_rank() == 0:
            fcntl.lockf(file, fcntl.LOCK_EX)
            steps, images = FIELDS.unpack(counts[:])
            images += sum(map(len, scheduled.scheduled_encoder_inputs.values()))
            counts[:] = FIELDS.pack(steps + 1, images)
            fcntl.lockf(file, fcntl.LOCK_UN)
        return execute(self, scheduled, *args, **kwargs)

    GPUModelRunner.execute_model = counted


_count_steps()
