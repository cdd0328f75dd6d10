"""Reading some columns of a CSV, fast.

A graded file contains whole responses, which a table does not need. pyarrow parses the bytes and
makes Python strings of the wanted columns only, several times as fast as the csv module.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

from racro_eval.errors import CacheError
from racro_eval.stages.graded_file import SUFFIX

_PREFETCHED = 2
"""How many files are parsed, and kept in memory, while Python works on another."""
_BLOCK_BYTES = 1 << 20
"""Blocks that fit into the processor's cache are parsed fastest. A record must fit into one block,
so a file with a longer record is read again with larger blocks."""
_MAX_BLOCK_BYTES = 1 << 30

Columns = dict[str, list[str]]


def read_columns(path: Path, names: Sequence[str]) -> Columns:
    """The named columns of a CSV as text.

    Raises CacheError, which names the file and what to do, for rows of a wrong length, a missing
    column, and text that is not UTF-8.
    """
    import pyarrow as pa

    try:
        table = _parse(path, names)
    except KeyError as error:
        column = str(error.args[0]).removeprefix("Column ").partition(" in include_columns")[0]
        raise unreadable(path, f"it has no column {column}") from error
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise unreadable(path, " ".join(str(error).split())[:200]) from error
    return {name: table[name].to_pylist() for name in names}


def unreadable(path: Path, problem: str) -> CacheError:
    """The error for a results file that is not as its stage wrote it, with what to do.

    Only a graded file may be removed: grading takes seconds, if the answers still exist.
    """
    answers = answers_path(path)
    if answers is None:
        advice = (
            "It is a stage file with answers of a model: keep it. The command that wrote it "
            "repairs it and asks the model only for what is missing."
        )
    elif answers.is_file():
        advice = f"Remove it: the same command then grades {answers.name} again."
    else:
        advice = f"Its answers, {answers.name}, are missing: restore it, or run its model again."
    return CacheError(f"{path} cannot be read: {problem}. {advice}")


def answers_path(graded: Path) -> Path | None:
    """The stage's file of a graded file, whatever the profile; None for any other file.

    tentative-1a2b3c4d.vlmevalkit.graded.csv → tentative-1a2b3c4d.csv
    """
    if not graded.name.endswith(SUFFIX):
        return None
    stem = re.sub(r"(-[0-9a-f]{8})\..*", r"\1", graded.name.removesuffix(SUFFIX), count=1)
    return graded.with_name(f"{stem}.csv")


def _parse(path: Path, names: Sequence[str]) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    text = pa.string()
    block = min(_BLOCK_BYTES, max(path.stat().st_size, 1))
    while True:
        try:
            return csv.read_csv(
                path,
                read_options=csv.ReadOptions(use_threads=False, block_size=block),
                parse_options=csv.ParseOptions(newlines_in_values=True),
                convert_options=csv.ConvertOptions(
                    include_columns=list(names), column_types=dict.fromkeys(names, text)
                ),
            )
        except pa.ArrowInvalid as error:
            if "straddling object" not in str(error) or block >= _MAX_BLOCK_BYTES:
                raise
            block = min(8 * block, _MAX_BLOCK_BYTES)


def read_ahead(files: Iterable[tuple[Path, Sequence[str]]]) -> Iterator[Columns]:
    """`read_columns` of each file in turn, while the next files are being parsed."""
    waiting: deque[Future[Columns]] = deque()
    with ThreadPoolExecutor(_PREFETCHED) as pool:
        for path, names in files:
            waiting.append(pool.submit(read_columns, path, names))
            if len(waiting) > _PREFETCHED:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def rows(columns: Columns) -> Iterator[dict[str, str]]:
    """The rows of columns. Index values are interned, as all files of a benchmark share them."""
    names = list(columns)
    if "index" in columns:
        columns["index"] = list(map(sys.intern, columns["index"]))
    yield from map(dict, map(zip, repeat(names), zip(*columns.values(), strict=True)))
