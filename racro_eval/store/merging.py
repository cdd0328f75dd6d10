"""Joining the files of a run's shards into the file that one run would have written.

A file is joined when all its shards are there and whole; else it is left as it is, and what is
missing is said. The shards' files are removed once their rows are safely in the whole file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from racro_eval.errors import CacheError, ConfigError, MissingError, RacroError
from racro_eval.store.columns import CALL_COLUMNS, REASONING_COLUMNS
from racro_eval.store.row_table import RowTable, rank
from racro_eval.store.row_writer import RowWriter
from racro_eval.store.shards import Shard
from racro_eval.store.sidecar import read_sidecar, runs_of, sidecar_path, write_sidecar

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
    on_wait is told. What another merge has joined meanwhile has no outcome here.
    """
    groups: dict[Path, list[tuple[Shard, Path]]] = {}
    # A merge that was killed may have left a sidecar without its file.
    names = {path.with_suffix(".csv") for path in results.rglob("*.shard-*-of-*.*")}
    for path in sorted(names):
        if (found := Shard.of_file(path)) and not path.is_dir():
            shard, whole = found
            groups.setdefault(whole, []).append((shard, path))
    if not groups:
        raise MissingError(f"There are no shards under {results}; `--shard 1/4` writes some.")
    for whole, parts in groups.items():
        try:
            if merged := _merge_file(whole, parts, on_wait):
                yield merged
        except RacroError as error:
            yield error


def _merge_file(
    whole: Path, parts: Sequence[tuple[Shard, Path]], on_wait: Callable[[str], None]
) -> Merged | None:
    """Join the shards of one file; None if another merge has done so.

    A kill between any two steps leaves what the next merge finishes: rows and runs that are in the
    whole file are not added again, and a shard is only removed when both are on the disk.
    """
    with ExitStack() as stack:
        tables = _open_shards(stack, parts, on_wait)
        _remove_orphans(whole, [part for part in parts if part[0] not in tables])
        if not tables:
            return None
        # Read while the locks are held: whoever wrote a shard has finished its sidecar.
        manifests = {shard: read_sidecar(table.path) for shard, table in tables.items()}
        _check_shards(whole, manifests)
        columns = _columns(next(iter(manifests.values())))
        asked = {shard: _asked(tables[shard].path, m) for shard, m in manifests.items()}
        with RowTable(whole, columns) as known:
            _check_rows(whole, asked, [known, *tables.values()])
            before = list(known.indices())
        writer = stack.enter_context(RowWriter(whole, columns, on_wait=on_wait))
        for table in tables.values():
            _take_rows(table, writer)
        order = _order(asked.values())
        if len(tables) < next(iter(tables)).of:  # where the other rows belong is known to the file
            order = list(dict.fromkeys([*before, *order]))
        writer.settle(order)
        writer.sync()
        write_sidecar(whole, _manifest(whole, manifests, len(writer)))
        failed = tuple(row["index"] for row in writer.rows() if row["error"])
        for table in tables.values():
            table.remove()
        return Merged(whole, len(parts), len(writer), failed)


def _open_shards(
    stack: ExitStack, parts: Sequence[tuple[Shard, Path]], on_wait: Callable[[str], None]
) -> dict[Shard, RowWriter]:
    """Lock the shards; those that were merged while we waited are left out."""
    tables = {}
    for shard, path in parts:
        with suppress(FileNotFoundError):
            table = RowWriter(path, CALL_COLUMNS, on_wait=on_wait, create=False)
            tables[shard] = stack.enter_context(table)
    return tables


def _remove_orphans(whole: Path, parts: Sequence[tuple[Shard, Path]]) -> None:
    """Remove the sidecars that a killed merge has left of shards that are in the whole file.

    Raises MissingError if a shard's file is gone that is not in it.
    """
    merged = {run.get("shard") for run in runs_of(read_sidecar(whole))}
    for shard, path in parts:
        if str(shard) in merged:
            sidecar_path(path).unlink(missing_ok=True)
        elif sidecar_path(path).exists():
            raise MissingError(f"{path} is gone: run shard {shard} again with the same command.")


def _asked(path: Path, manifest: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """(place in the benchmark, samples) of each index that a shard was asked for."""
    try:
        rows = manifest["shard"]["rows"].items()
        return {index: (int(place), int(samples)) for index, (place, samples) in rows}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CacheError(
            f"{sidecar_path(path)} is not what a shard writes. Remove it and run the shard again "
            "with the same command; its rows are kept."
        ) from error


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
    before = {run.get("shard") for run in runs_of(read_sidecar(whole))}
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
    whole: Path,
    asked: Mapping[Shard, Mapping[str, tuple[int, int]]],
    tables: Sequence[RowTable],
) -> None:
    """Raise MissingError, naming the rows, if a shard has not answered all that it was asked."""
    for shard, rows in asked.items():
        missing = [
            index
            for index, (_, samples) in rows.items()
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
        if known is None or rank(row) > rank(known):
            writer.append(row)


def _order(asked: Iterable[Mapping[str, tuple[int, int]]]) -> list[str]:
    """The indices in the benchmark's order."""
    places = {index: place for rows in asked for index, (place, _) in rows.items()}
    return sorted(places, key=lambda index: places[index])


def _manifest(
    whole: Path, manifests: Mapping[Shard, Mapping[str, Any]], rows: int
) -> dict[str, Any]:
    """The sidecar of the whole file: the shards' settings, and their runs after its own.

    A run that a killed merge has noted already is not noted again.
    """
    before = runs_of(read_sidecar(whole))
    runs = list(before)
    for shard, manifest in sorted(manifests.items(), key=lambda item: item[0].number):
        of_shard = [{"shard": str(shard), **run} for run in runs_of(manifest) or [{"new": 0}]]
        runs += [run for run in of_shard if run not in before]
    content = dict(next(iter(manifests.values())))
    del content["shard"]
    return {**content, "rows": rows, "runs": runs}
