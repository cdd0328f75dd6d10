"""The columns of the store's files."""

from __future__ import annotations

CALL_COLUMNS = (
    "index",
    "sample",
    "prediction",
    "finish_reason",
    "prompt_tokens",
    "completion_tokens",
    "latency_s",
    "seed",
    "prompt_sha256",
    "error",
    "created_at",
)
"""Columns of a file of model calls: captions and tentative answers. Others may follow in a file."""
REASONING_COLUMNS = (*CALL_COLUMNS, "caption_sha256", "tentative_sha256")
