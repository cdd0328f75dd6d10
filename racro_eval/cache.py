"""The CSV store: one file per stage and settings, safe to kill, safe to open, safe to share.

Every field is quoted, so a record ends at the first line break after an even number of quotes. A
row is appended with one `write()` to an O_APPEND descriptor while a lock is held; what a kill can
leave behind is therefore one torn row at the end, which the next writer cuts off and computes
again. The last row of an (index, sample) counts; `settle()` drops the others and restores the
benchmark's order, so that a finished file does not depend on how often its run was interrupted.

`row_table.py` reads such a file, `row_writer.py` writes it, `row_index.py` holds where its rows
are: the rows themselves stay on disk.
"""

from __future__ import annotations

from racro_eval.row_table import RowTable
from racro_eval.row_writer import RowWriter

__all__ = ["CALL_COLUMNS", "REASONING_COLUMNS", "RowTable", "RowWriter"]

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
