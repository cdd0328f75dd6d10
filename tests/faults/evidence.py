"""What is on disk, read without racro-eval's own store: a fault there must not hide itself."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Key = tuple[str, str, str]
"""File, index and sample."""
Rows = dict[Key, dict[str, str]]

TIMES = frozenset({"latency_s", "created_at", "runs", "process", "rows_sha256", "sha256"})
"""Columns and sidecar fields that two equal runs may have different.

The hash of the answers is one of time, as their file holds the times of its rows; that of the
verdicts is left out because the verdicts themselves are compared.
"""

_SHARD = re.compile(r"\.shard-\d+-of-\d+")


def is_stage_file(path: Path) -> bool:
    """Whether it is a CSV of answers."""
    return path.suffix == ".csv" and ".graded" not in path.name and not path.name.startswith(".")


def whole_records(content: bytes) -> Iterator[bytes]:
    """The records that end; a torn last one is left out."""
    start = quotes = 0
    for end, byte in enumerate(content, start=1):
        quotes += byte == 0x22
        if byte == 0x0A and quotes % 2 == 0:
            yield content[start:end]
            start = end


def rows_of(path: Path) -> list[dict[str, str]]:
    """All whole rows of a CSV that make sense, failed ones too."""
    records = [
        next(csv.reader(io.StringIO(record.decode("utf-8", "replace"), newline="")), [])
        for record in whole_records(path.read_bytes().removeprefix(codecs.BOM_UTF8))
    ]
    if not records:
        return []
    header, *rows = records
    return [dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)]


def answers(results: Path) -> Rows:
    """The last answer of each row in all stage files: what a user has paid for.

    A merge moves rows from the files of shards to the whole one; a row has one name in both.
    """
    found: Rows = {}
    for path in sorted(results.rglob("*.csv")):
        if is_stage_file(path) and path.is_file():
            for row in rows_of(path):
                if not row.get("error"):
                    name = _SHARD.sub("", str(path.relative_to(results)))
                    found[name, row.get("index", ""), row.get("sample", "")] = row
    return found


def lost(before: Rows, after: Rows) -> list[Key]:
    """Answers that are not there any more as they were, times included: they cost a second time."""
    return [key for key, row in before.items() if not _holds(after.get(key), row)]


def lost_texts(before: Rows, after: Rows) -> list[Key]:
    """Answers whose text is not there any more, from whichever run it is now."""
    return lost({key: {"prediction": row["prediction"]} for key, row in before.items()}, after)


def _holds(found: dict[str, str] | None, row: dict[str, str]) -> bool:
    """Later versions may add columns to a row, and take none away."""
    return found is not None and all(found.get(name) == value for name, value in row.items())


def state(results: Path) -> dict[str, Any]:
    """All that a finished run has left, times apart: CSV rows, sidecars, names of other files."""
    found: dict[str, Any] = {}
    for path in sorted(results.rglob("*")):
        name = str(path.relative_to(results))
        if path.name.startswith(".") and not path.name.endswith(".tmp"):
            continue  # locks, and scores that may be deleted at any time
        if path.is_dir():
            continue
        if path.suffix == ".csv":
            found[name] = [_timeless(row) for row in rows_of(path)]
        elif path.suffix == ".json":
            found[name] = _timeless(json.loads(path.read_text(encoding="utf-8")))
        else:
            found[name] = "a file"
    return found


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(one) for name, one in value.items() if name not in TIMES}
    return [_timeless(one) for one in value] if isinstance(value, list) else value


def difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """The first thing in which two states differ, in words; empty if they are equal."""
    for name in sorted({*found, *wanted}):
        if name not in found:
            return f"{name} is missing"
        if name not in wanted:
            return f"{name} is left over"
        if not _same(found[name], wanted[name]):
            return f"{name} differs: {_first(found[name], wanted[name])}"
    return ""


def _same(found: Any, wanted: Any) -> bool:
    """Equal, but for verdicts that took too long: that limit is in seconds of a busy machine."""
    if isinstance(found, list) and isinstance(wanted, list):
        pairs = zip(found, wanted, strict=False)
        return len(found) == len(wanted) and all(_same(one, other) for one, other in pairs)
    if found == wanted:
        return True
    if not (isinstance(found, dict) and isinstance(wanted, dict)):
        return False
    if "timeout" not in (found.get("status"), wanted.get("status")):
        return False
    verdict = {"status", "correct", "extracted", "method"}
    return all(found[name] == wanted.get(name) for name in found if name not in verdict)


def _first(found: Any, wanted: Any) -> str:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for name in {**found, **wanted}:
            if found.get(name) != wanted.get(name):
                return f"{name}: {_first(found.get(name), wanted.get(name))}"
    if isinstance(found, list) and isinstance(wanted, list):
        if len(found) != len(wanted):
            return f"{len(found)} rows, not {len(wanted)}"
        for one, other in zip(found, wanted, strict=True):
            if not _same(one, other):
                return _first(one, other)
    return f"{str(found)[:80]!r}, not {str(wanted)[:80]!r}"
