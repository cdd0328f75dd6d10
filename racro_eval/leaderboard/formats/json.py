"""JSON: the records, for programs."""

from __future__ import annotations

import json

from racro_eval.common.printable import printable_json
from racro_eval.common.redaction import redacted_values
from racro_eval.leaderboard.document import Document

SCHEMA = 1
"""Increased when a key of the records changes its meaning."""


def render(document: Document) -> dict[str, bytes]:
    """An object with `schema`, `view`, `records` and `notes`; floats are rounded to 6 decimals."""
    records = [
        {
            key: round(value, 6) if isinstance(value, float) else value
            for key, value in record.items()
        }
        for record in document.records
    ]
    content = {
        "schema": SCHEMA,
        "view": document.name,
        "records": records,
        "notes": document.notes,
    }
    text = json.dumps(redacted_values(content), indent=1, ensure_ascii=False, allow_nan=False)
    return {".json": (printable_json(text) + "\n").encode()}
