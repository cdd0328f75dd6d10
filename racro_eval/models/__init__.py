"""Models: their entries, what identifies their weights, and what of both is in a row's key."""

from racro_eval.models.entries import (
    ModelEntry,
    SamplingOverrides,
    TensorParallel,
    builtin_models,
    folder_name,
    resolve_model,
)
from racro_eval.models.fingerprints import fingerprint

__all__ = [
    "ModelEntry",
    "SamplingOverrides",
    "TensorParallel",
    "builtin_models",
    "fingerprint",
    "folder_name",
    "resolve_model",
]
