"""The device of this machine, detected without importing torch, and the dtype that follows."""

from __future__ import annotations

import os
import shutil
from importlib import metadata
from pathlib import Path


def device() -> str:
    """ "gpu" or "cpu": the device that the installed torch is expected to find."""
    build = _torch_build()
    if build == "cpu" or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "cpu"
    if build.startswith("rocm"):
        return "gpu" if Path("/dev/kfd").exists() else "cpu"
    return "gpu" if shutil.which("nvidia-smi") else "cpu"


def _torch_build() -> str:
    """What torch was built for: "cpu", "cu128", "rocm6.2"; "" if its version does not say so."""
    try:
        return metadata.version("torch").partition("+")[2]
    except metadata.PackageNotFoundError:
        return ""


def automatic_dtype(engine: str) -> tuple[str, str | None]:
    """What `dtype: auto` means for an engine here, and the device for which it was chosen, if any.

    On a GPU, vLLM chooses by the model's config, which is part of its fingerprint, so "auto" stays.
    vLLM runs on a CPU only if it was built for it, so a build for GPUs means a GPU wherever the run
    is planned. For engines that load no weights "auto" stays, too.
    """
    if engine == "transformers":
        return ("float32", "cpu") if device() == "cpu" else ("bfloat16", "gpu")
    if engine in ("ray", "vllm"):
        return ("float32", "cpu") if _torch_build() == "cpu" else ("auto", "gpu")
    return "auto", None
