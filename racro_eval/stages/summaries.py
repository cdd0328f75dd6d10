"""Scores kept beside their graded files, so that a table of finished runs reads no responses.

A summary counts only if it was made from this graded file, and neither the benchmark's spec, the
code of racro-eval nor the version of a package that adds the benchmark's scorer or metric has
changed since. A file with the same inode and times of change is not read; a copied file is
recognised by its hash. A summary is a hidden file that may be deleted at any time; where none can
be written, the score is calculated each time.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from racro_eval.errors import CacheError
from racro_eval.scoring.metrics.registry import Part, Score, packages_of
from racro_eval.stages.graded_file import GradedFile
from racro_eval.store.atomic import temporary_path
from racro_eval.store.file_hash import file_identity

PACKAGE = Path(__file__).parents[1]
_IDENTITY = 4
"""How many entries of a state describe the file itself; the first of them is its size."""


def summary_path(graded: Path) -> Path:
    """x.graded.csv → .x.graded.score.json"""
    return graded.with_name(f".{graded.stem}.score.json")


def read_summary(graded: Path, state: list[Any]) -> Score | None:
    """The score kept for a graded file in this state; None if there is none."""
    try:
        content = json.loads(summary_path(graded).read_bytes())
        return _decode(content["score"]) if _is_of(content, graded, state) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, CacheError):
        return None


def _is_of(content: Mapping[str, Any], graded: Path, state: list[Any]) -> bool:
    if content["of"] == state:
        return True
    if content["of"][0] != state[0] or content["of"][_IDENTITY:] != state[_IDENTITY:]:
        return False
    with GradedFile(graded) as file:
        return bool(file.sha256() == content["sha256"])


def write_summary(graded: Path, score: Score, state: list[Any]) -> None:
    """Keep a score. state: that of the file before it was read."""
    with GradedFile(graded) as file:
        sha256 = file.sha256()
    if file_identity(graded.stat()) != state[:_IDENTITY]:
        return  # it has changed since
    kept = {"of": state, "sha256": sha256, "score": _encode(score)}
    content = json.dumps(kept, separators=(",", ":"))
    path = summary_path(graded)
    temporary = temporary_path(path)
    try:
        # Not forced to the disk, unlike all other files: a lost summary is made again.
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(path)
    except OSError:  # the results may be read-only; the score is known all the same
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def file_state(graded: Path, spec: Mapping[str, Any]) -> list[Any]:
    """What a score of the file depends on: its identity, the spec, the code, other packages'."""
    text = json.dumps(spec, sort_keys=True)
    packages = packages_of(spec)
    return [
        *file_identity(graded.stat()),
        hashlib.sha256(text.encode()).hexdigest()[:16],
        _code(),
        *([packages] if packages else []),
    ]


@cache
def _code() -> str:
    """A hash of the whole package, so that nobody has to remember to raise a version.

    A score depends on metrics, specs and the reading of files: any list of their modules would be
    wrong one day. Hashing everything takes about ten milliseconds.
    """
    digest = hashlib.sha256()
    for file in sorted(path for kind in ("*.py", "*.yaml") for path in PACKAGE.rglob(kind)):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(PACKAGE)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _encode(score: Score) -> dict[str, Any]:
    return {
        "metric": score.metric,
        "value": score.value,
        "whole": [score.whole.correct, score.whole.rows],
        "samples": score.samples,
        "expected": score.expected,
        "statuses": dict(score.statuses),
        "breakdowns": {
            name: {label: [part.correct, part.rows] for label, part in parts.items()}
            for name, parts in score.breakdowns.items()
        },
        # Integers are written ten times as fast as floats, and most units are 0 or 1.
        "units": [
            list(score.units),
            [int(value) if value in (0, 1) else value for value in score.units.values()],
        ],
        "further": score.further,
        "refusal": score.refusal,
    }


def _decode(content: Mapping[str, Any]) -> Score:
    names, values = content["units"]
    return Score(
        metric=content["metric"],
        value=content["value"],
        whole=Part(*content["whole"]),
        samples=content["samples"],
        expected=content["expected"],
        statuses=Counter(content["statuses"]),
        breakdowns={
            name: {label: Part(*part) for label, part in parts.items()}
            for name, parts in content["breakdowns"].items()
        },
        units=dict(zip(map(sys.intern, names), map(float, values), strict=True)),
        further=content["further"],
        refusal=content["refusal"],
    )
