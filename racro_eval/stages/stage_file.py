"""One stage's file: its path, the settings that make its key, and the JSON beside it (sidecar)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from racro_eval.errors import CacheError
from racro_eval.store.provenance import argv, git_commit, host, now, version
from racro_eval.store.row_index import RowState
from racro_eval.store.row_table import RowTable
from racro_eval.store.row_writer import RowWriter
from racro_eval.store.shards import Shard
from racro_eval.store.sidecar import read_sidecar, runs_of, write_sidecar
from racro_eval.thought import is_open

SCHEMA = 1
"""Version of the meaning of a row; raise it when cached rows must not be reused any more."""


def short_hash(content: Mapping[str, Any]) -> str:
    """8 hex digits of the SHA-256 of a mapping; the order of its keys does not matter."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


@dataclass(slots=True)
class Tally:
    """How many of a file's rows are cached, new, failed; the tokens of the new ones.

    truncated: new rows that reached the token limit or ended inside their thought.
    """

    total: int = 0
    cached: int = 0
    new: int = 0
    failed: int = 0
    truncated: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_error: str = ""

    def add(self, row: Mapping[str, str]) -> None:
        """Count a row that has just been written."""
        self.new += 1
        if row["error"]:
            self.failed += 1
            self.first_error = self.first_error or f"row {row['index']}: {row['error']}"
        self.truncated += row["finish_reason"] == "length" or is_open(row["prediction"])
        self.prompt_tokens += int(row["prompt_tokens"] or 0)
        self.completion_tokens += int(row["completion_tokens"] or 0)


@dataclass(frozen=True, slots=True)
class Parent:
    """A file that a stage reads: its key, and the hash of its settings without the benchmark."""

    key: str
    settings_hash: str

    def to_json(self) -> dict[str, str]:
        """What the sidecar of the reading stage's file records."""
        return {"key": self.key, "config": self.settings_hash}


@dataclass
class StageFile:
    """A stage's CSV and its sidecar.

    settings: everything that can change the text, except the benchmark and the parents.
    labels: what tables call its content (benchmark, mllm, reasoner, variant, ...).
    about: further facts for the sidecar.
    parents: the files that the stage reads, by the role of their texts.
    shard: which part of the rows this file holds; None for all.
    wanted: how many draws a shard was asked for, by index, so that a merge knows what is missing.
    """

    folder: Path
    stem: str
    columns: tuple[str, ...]
    settings: Mapping[str, Any]
    benchmark: Mapping[str, str]
    labels: Mapping[str, Any]
    about: Mapping[str, Any] = field(default_factory=dict)
    parents: Mapping[str, Parent] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    shard: Shard | None = None
    wanted: dict[str, int] = field(default_factory=dict)
    table: RowTable | None = None
    _whole: RowTable | None = None
    """A shard also reads the whole file: rows that were merged are not computed again."""
    _process: dict[str, Any] | None = None
    """What the sidecar says of this run while it writes."""
    _runs: list[dict[str, Any]] = field(default_factory=list)
    """The earlier runs, in case the sidecar is lost or damaged meanwhile."""

    @property
    def key(self) -> str:
        """8 hex digits over everything that can change the text."""
        parents = {name: parent.key for name, parent in self.parents.items()}
        return short_hash(
            {
                "schema": SCHEMA,
                **self.settings,
                "benchmark": dict(self.benchmark),
                "parents": parents,
            }
        )

    @property
    def settings_hash(self) -> str:
        """The key without the benchmark: the same for a model's files of all benchmarks."""
        parents = {name: parent.settings_hash for name, parent in self.parents.items()}
        return short_hash({"schema": SCHEMA, **self.settings, "parents": parents})

    @property
    def parent(self) -> Parent:
        """This file as another stage's parent."""
        return Parent(self.key, self.settings_hash)

    @property
    def path(self) -> Path:
        name = f"{self.stem}-{self.key}.csv"
        return self.folder / (self.shard.file_name(name) if self.shard else name)

    def open_table(self) -> RowTable:
        """Open the file for reading."""
        self.table = RowTable(self.path, self.columns)
        self._open_whole()
        return self.table

    def open_writer(self, on_wait: Callable[[str], None]) -> RowWriter:
        """Open the file for appending, once no other process writes it.

        on_wait: called with a sentence if this has to wait.
        """
        writer = RowWriter(self.path, self.columns, on_wait=on_wait)
        self.table = writer
        self._open_whole()
        return writer

    def _open_whole(self) -> None:
        if self.shard:
            self._whole = RowTable(self.folder / f"{self.stem}-{self.key}.csv", self.columns)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        try:
            if self.table is not None:
                self.table.close()
        finally:
            if self._whole is not None:
                self._whole.close()
            self.table = self._whole = None

    def state(self, index: str, draw: int) -> RowState | None:
        """The state of a row, None if there is no such row; a shard looks in the whole file too."""
        states = (table.state(index, draw) for table in self._tables())
        return next((state for state in states if state), None)

    def row(self, index: str, draw: int) -> dict[str, str] | None:
        """The row, None if there is no such row; a shard looks in the whole file too."""
        rows = (table.row(index, draw) for table in self._tables())
        return next((row for row in rows if row), None)

    def _tables(self) -> list[RowTable]:
        assert self.table is not None, f"{self.path} is open while its rows are looked up"
        return [self.table] + ([self._whole] if self._whole is not None else [])

    def want(self, index: str, draw: int) -> None:
        """Count a row that this run asks for."""
        self.tally.total += 1
        if self.shard:
            self.wanted[index] = max(self.wanted.get(index, 0), draw + 1)

    def append(self, row: Mapping[str, str]) -> None:
        """Write a row and count it."""
        self._writer.append(row)
        self.tally.add(row)

    @property
    def _writer(self) -> RowWriter:
        if not isinstance(self.table, RowWriter):
            raise TypeError(f"{self.path} is not open for writing")
        return self.table

    def begin(self) -> None:
        """Record in the sidecar which process writes the file, and the runs before this one."""
        self._runs = self.runs()
        place = {"pid": os.getpid(), "host": host()}
        self._process = {**place, "started_at": now(), "argv": argv()}
        self._write_sidecar(self._runs, {"process": self._process})

    def finish(self, order: Iterable[str], facts: Mapping[str, Any]) -> None:
        """Put the rows in the order of these indices; add this run to the sidecar if it wrote any.

        A run without new rows changes the sidecar only if it still names a killed run.
        facts: what else is known of the run: versions, wall time.
        """
        order = list(order)
        self._writer.compact(order)
        known = self._known()
        if known and "process" not in known and not self.tally.new and not self.shard:
            return
        tally = asdict(self.tally)
        about = {"finished_at": now(), "argv": argv(), "git_commit": git_commit()}
        run = {**about, "racro_eval": version(), **facts, **tally}
        more: dict[str, Any] = {}
        if self.shard:
            place = {index: number for number, index in enumerate(order)}
            rows = {index: [place[index], draws] for index, draws in self.wanted.items()}
            more["shard"] = {"number": self.shard.number, "of": self.shard.count, "rows": rows}
        self._write_sidecar([*self.runs(), run] if self.tally.new else self.runs(), more)

    def runs(self) -> list[dict[str, Any]]:
        """The runs that wrote rows so far; a run that was killed is marked as interrupted."""
        known = self._known()
        runs = runs_of(known)
        process = known.get("process")
        if isinstance(process, dict) and process != self._process:
            runs.append({**process, "interrupted": True})
        return [run for run in self._runs if run not in runs] + runs

    def _known(self) -> dict[str, Any]:
        """The content of the sidecar; empty if it was damaged while this run wrote the file."""
        try:
            return read_sidecar(self.path)
        except CacheError:
            if self._process is None:
                raise
            return {}

    def _write_sidecar(self, runs: list[dict[str, Any]], more: Mapping[str, Any]) -> None:
        write_sidecar(
            self.path,
            {
                "schema": SCHEMA,
                "key": self.key,
                "config": self.settings_hash,
                "labels": dict(self.labels),
                "benchmark": dict(self.benchmark),
                "settings": dict(self.settings),
                "parents": {name: parent.to_json() for name, parent in self.parents.items()},
                **self.about,
                "rows": len(self._writer),
                **more,
                "runs": runs,
            },
        )
