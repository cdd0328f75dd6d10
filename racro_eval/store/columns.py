"""The columns of the store's files."""

from __future__ import annotations

CALL_COLUMNS = (
    "index",
    "sample",  # the number of the draw
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
"""Columns of every file of model calls (captions, tentative answers); a file may have more."""
REASONING_COLUMNS = (*CALL_COLUMNS, "caption_sha256", "tentative_sha256")
