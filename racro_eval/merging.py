"""Joining the files of a run's shards into the file that one run would have written.

A file is joined when all its shards are there and whole; else it is left as it is, and what is
missing is said. The shards' files are removed once their rows are safely in the whole file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from racro_eval.cache import CALL_COLUMNS, REASONING_COLUMNS, RowTable, RowWriter
from racro_eval.errors import ConfigError, MissingError, RacroError
from racro_eval.shards import Shard
from racro_eval.sidecar import read_sidecar, sidecar_path, write_sidecar

_IDENTITY = ("schema", "key", "config", "benchmark", "settings", "parents")
"""What all shards of a file have in common."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A joined file. failed: indices of rows whose answer is an error; a plain run tries again."""

    path: Path
    shards: int
    rows: int
    failed: tuple[str, ...]


def merge(results: Path, on_wait: Callable[[str], None]) -> Iterator[Merged | RacroError]:
    """Join all sharded files under a folder; gives each one's outcome, good or bad.

    Raises MissingError if there is no shard at all. A shard that is being written is waited for;
    on_wait is told.
    """
    groups: dict[Path, list[tuple[Shard, Path]]] = {}
    for path in sorted(results.rglob("*.csv")):
        if found := Shard.of_file(path):
            shard, whole = found
            groups.setdefault(whole, []).append((shard, path))
    if not groups:
        raise MissingError(f"There are no shards under {results}; `--shard 1/4` writes some.")
    for whole, parts in groups.items():
        try:
            yield _merge_file(whole, parts, on_wait)
        except RacroError as error:
            yield error


def _merge_file(
    whole: Path, parts: Sequence[tuple[Shard, Path]], on_wait: Callable[[str], None]
) -> Merged:
    with ExitStack() as stack:
        columns = _columns(read_sidecar(parts[0][1]))
        tables = [
            stack.enter_context(RowWriter(path, columns, on_wait=on_wait)) for _, path in parts
        ]
        # Read while the locks are held: whoever wrote a shard has finished its sidecar.
        manifests = {shard: read_sidecar(path) for shard, path in parts}
        _check_shards(whole, manifests)
        writer = stack.enter_context(RowWriter(whole, columns, on_wait=on_wait))
        _check_rows(whole, manifests, [writer, *tables])
        for table in tables:
            _take_rows(table, writer)
        writer.settle(_order(manifests.values()))
        write_sidecar(whole, _manifest(whole, manifests, len(writer)))
        failed = tuple(row["index"] for row in writer.rows() if row["error"])
        merged = Merged(whole, len(parts), len(writer), failed)
        for _, path in parts:
            path.unlink()
            sidecar_path(path).unlink()
    for _, path in parts:
        path.with_name(f".{path.name}.lock").unlink(missing_ok=True)
    return merged


def _columns(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    stage = (manifest.get("settings") or {}).get("stage")
    return REASONING_COLUMNS if stage == "reason" else CALL_COLUMNS


def _check_shards(whole: Path, manifests: Mapping[Shard, Mapping[str, Any]]) -> None:
    """Raise if shards are not of one cut, not of one setting, not all there or not finished."""
    cuts = sorted({shard.of for shard in manifests})
    if len(cuts) > 1:
        raise ConfigError(
            f"{whole} has shards of {' and of '.join(map(str, cuts))}. Finish the shards "
            "of one cut, and move those of the other out of the folder; do not delete them before "
            "the whole is complete: they hold answers."
        )
    of = cuts[0]
    for shard, manifest in manifests.items():
        if "shard" not in manifest:
            raise MissingError(
                f"Shard {shard} of {whole} was not finished: run it again with the same command."
            )
    first, *others = manifests.values()
    for other in others:
        if what := _differences(first, other):
            raise ConfigError(f"The shards of {whole} were run with different {what}.")
    before = {run.get("shard") for run in read_sidecar(whole).get("runs", [])}
    there = before | {str(shard) for shard in manifests}
    absent = [number for number in range(1, of + 1) if str(Shard(number, of)) not in there]
    if absent:
        raise _absent(whole, absent, of, first)


def _absent(whole: Path, absent: Sequence[int], of: int, known: Mapping[str, Any]) -> RacroError:
    """Some shards have no file of this key; perhaps they were run with other settings."""
    stem = whole.stem.rpartition("-")[0]
    for number in absent:
        for path in sorted(whole.parent.glob(f"{stem}-*.shard-{number}-of-{of}.csv")):
            what = _differences(known, read_sidecar(path))
            return ConfigError(f"The shards {whole} and {path} were run with different {what}.")
    names = ", ".join(str(Shard(number, of)) for number in absent)
    return MissingError(f"{whole} lacks the shards {names}: run them, then merge again.")


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The settings in which two manifests differ, by name; empty if there are none."""
    names = [name for name in _IDENTITY if one.get(name) != other.get(name)]
    settings = one.get("settings") or {}, other.get("settings") or {}
    inner = sorted(
        key for key in {*settings[0], *settings[1]} if settings[0].get(key) != settings[1].get(key)
    )
    outer = [name for name in names if name in ("benchmark", "parents")]
    return ", ".join([*inner, *outer] or names)


def _check_rows(
    whole: Path, manifests: Mapping[Shard, Mapping[str, Any]], tables: Sequence[RowTable]
) -> None:
    """Raise MissingError, naming the rows, if a shard has not answered all that it was asked."""
    for shard, manifest in manifests.items():
        missing = [
            index
            for index, (_, samples) in manifest["shard"]["rows"].items()
            if not all(
                any(table.state(index, number) for table in tables) for number in range(samples)
            )
        ]
        if missing:
            raise MissingError(
                f"Shard {shard} of {whole} lacks {len(missing)} rows: {shortened(missing)}. "
                "Run it again with the same command, then merge."
            )


def shortened(names: Sequence[str], most: int = 10) -> str:
    """The first of the names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _take_rows(table: RowTable, writer: RowWriter) -> None:
    """Copy the rows that the whole file has not got, or has got worse."""
    for row in table.rows():
        known = writer.row(row["index"], int(row["sample"]))
        if known is None or _rank(row) > _rank(known):
            writer.append(row)


def _rank(row: Mapping[str, str]) -> tuple[bool, str]:
    """An answer counts more than a failure, and then the newer one."""
    return not row["error"], row["created_at"]


def _order(manifests: Iterable[Mapping[str, Any]]) -> list[str]:
    """The indices in the benchmark's order."""
    rows = {index: place for m in manifests for index, (place, _) in m["shard"]["rows"].items()}
    return sorted(rows, key=lambda index: rows[index])


def _manifest(
    whole: Path, manifests: Mapping[Shard, Mapping[str, Any]], rows: int
) -> dict[str, Any]:
    """The sidecar of the whole file: the shards' settings, and their runs after its own."""
    runs = list(read_sidecar(whole).get("runs", []))
    for shard, manifest in sorted(manifests.items(), key=lambda item: item[0].number):
        runs += [{"shard": str(shard), **run} for run in manifest["runs"] or [{"new": 0}]]
    content = dict(next(iter(manifests.values())))
    del content["shard"]
    return {**content, "rows": rows, "runs": runs}
