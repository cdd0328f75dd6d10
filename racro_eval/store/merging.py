"""Merging the files of a run's shards into the file that a single run would have written.

A file is merged when all its shards exist and are complete; otherwise it is left as it is, and an
error names what is missing. The shards' files are removed once their rows are in the merged file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from racro_eval.common.name_list import abbreviated
from racro_eval.errors import CacheError, ConfigError, MissingError, RacroError
from racro_eval.store.columns import CALL_COLUMNS, REASONING_COLUMNS
from racro_eval.store.row_table import RowTable
from racro_eval.store.row_writer import RowWriter
from racro_eval.store.shards import Shard
from racro_eval.store.sidecar import read_sidecar, runs_of, sidecar_path, write_sidecar

_COMMON_FIELDS = ("schema", "key", "config", "benchmark", "settings", "parents")
"""Fields of the sidecar that are the same for all shards of a file."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged file. failed: indices of rows with an error; a run without --shard retries them."""

    path: Path
    shards: int
    rows: int
    failed: tuple[str, ...]


def merge(results: Path, on_wait: Callable[[str], None]) -> Iterator[Merged | RacroError]:
    """Merge all sharded files under a folder. Yields the result, or the error, for each file.

    Raises MissingError if there are no shards. Waits for a shard that is being written, and calls
    on_wait with a message. Yields nothing for files that another merge finishes first.
    """
    groups: dict[Path, list[tuple[Shard, Path]]] = {}
    # A killed merge may have left a sidecar without its CSV.
    paths = {path.with_suffix(".csv") for path in results.rglob("*.shard-*-of-*.*")}
    for path in sorted(paths):
        if (match := Shard.from_path(path)) and not path.is_dir():
            shard, target = match
            groups.setdefault(target, []).append((shard, path))
    if not groups:
        raise MissingError(f"There are no shards under {results}; `--shard 1/4` writes some.")
    for target, shards in groups.items():
        try:
            if merged := _merge_file(target, shards, on_wait):
                yield merged
        except RacroError as error:
            yield error


def _merge_file(
    target: Path, shards: Sequence[tuple[Shard, Path]], on_wait: Callable[[str], None]
) -> Merged | None:
    """Merge the shards of one file; None if another merge has finished it.

    After a kill at any step the next merge completes the work: rows and runs that are already in
    the merged file are not added again, and a shard is only removed when both are on the disk.
    """
    with ExitStack() as stack:
        tables = _open_shards(stack, shards, on_wait)
        _remove_orphans(target, [(shard, path) for shard, path in shards if shard not in tables])
        if not tables:
            return None
        # Read while the locks are held: then the writer of a shard has finished its sidecar.
        manifests = {shard: read_sidecar(table.path) for shard, table in tables.items()}
        _check_shards(target, manifests)
        columns = _columns(next(iter(manifests.values())))
        requested = {
            shard: _requested_rows(tables[shard].path, manifest)
            for shard, manifest in manifests.items()
        }
        with RowTable(target, columns) as existing:
            _check_rows(target, requested, [existing, *tables.values()])
            existing_order = list(existing.indices())
        writer = stack.enter_context(RowWriter(target, columns, on_wait=on_wait))
        for table in tables.values():
            for row in table.rows():
                writer.append_if_better(row)
        order = _order(requested.values())
        if len(tables) < next(iter(tables)).count:  # the merged file has the order of other rows
            order = list(dict.fromkeys([*existing_order, *order]))
        writer.compact(order)
        writer.sync()
        write_sidecar(target, _manifest(target, manifests, len(writer)))
        failed = tuple(row["index"] for row in writer.rows() if row["error"])
        for table in tables.values():
            table.remove()
        return Merged(target, len(shards), len(writer), failed)


def _open_shards(
    stack: ExitStack, shards: Sequence[tuple[Shard, Path]], on_wait: Callable[[str], None]
) -> dict[Shard, RowWriter]:
    """Lock the shards; those that another merge removed in the meantime are left out."""
    tables = {}
    for shard, path in shards:
        with suppress(FileNotFoundError):
            table = RowWriter(path, CALL_COLUMNS, on_wait=on_wait, create=False)
            tables[shard] = stack.enter_context(table)
    return tables


def _remove_orphans(target: Path, shards: Sequence[tuple[Shard, Path]]) -> None:
    """Remove sidecars that a killed merge has left behind for shards that are merged already.

    Raises MissingError if the CSV of a shard is missing that has not been merged.
    """
    merged_shards = _merged_shards(target)
    for shard, path in shards:
        if str(shard) in merged_shards:
            sidecar_path(path).unlink(missing_ok=True)
        elif sidecar_path(path).exists():
            raise MissingError(f"{path} is gone: run shard {shard} again with the same command.")


def _merged_shards(target: Path) -> set[str | None]:
    """The shards whose runs are in the merged file's sidecar, in the notation i/N."""
    return {run.get("shard") for run in runs_of(read_sidecar(target))}


def _requested_rows(path: Path, manifest: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """(position in the benchmark, draws) of each index that a shard was asked for."""
    try:
        rows = manifest["shard"]["rows"].items()
        return {index: (int(position), int(draws)) for index, (position, draws) in rows}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CacheError(
            f"{sidecar_path(path)} is not the sidecar of a shard. Remove it and run the shard "
            "again with the same command; its rows are kept."
        ) from error


def _columns(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    stage = (manifest.get("settings") or {}).get("stage")
    return REASONING_COLUMNS if stage == "reason" else CALL_COLUMNS


def _check_shards(target: Path, manifests: Mapping[Shard, Mapping[str, Any]]) -> None:
    """Raise if the shards differ in number or settings, or if one is missing or unfinished."""
    counts = sorted({shard.count for shard in manifests})
    if len(counts) > 1:
        raise ConfigError(
            f"{target} was split in different ways: into {' and into '.join(map(str, counts))} "
            "shards. Finish the shards of one way, and move the others out of the folder; do not "
            "delete them before the file is complete: they contain answers."
        )
    count = counts[0]
    for shard, manifest in manifests.items():
        if "shard" not in manifest:
            raise MissingError(
                f"Shard {shard} of {target} was not finished: run it again with the same command."
            )
    first, *others = manifests.values()
    for other in others:
        if differences := _differences(first, other):
            raise ConfigError(f"The shards of {target} were run with different {differences}.")
    available = _merged_shards(target) | {str(shard) for shard in manifests}
    shards = [Shard(number, count) for number in range(1, count + 1)]
    if missing := [shard for shard in shards if str(shard) not in available]:
        raise _missing_shards_error(target, missing, first)


def _missing_shards_error(
    target: Path, missing: Sequence[Shard], manifest: Mapping[str, Any]
) -> RacroError:
    """The error for shards that have no file with this key; possibly their settings differ."""
    stem = target.stem.rpartition("-")[0]
    for shard in missing:
        for path in sorted(target.parent.glob(shard.file_name(f"{stem}-*.csv"))):
            differences = _differences(manifest, read_sidecar(path))
            return ConfigError(
                f"The shards {target} and {path} were run with different {differences}."
            )
    names = ", ".join(map(str, missing))
    return MissingError(f"{target} lacks the shards {names}: run them, then merge again.")


def _differences(manifest: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The names of the settings in which two manifests differ; "" if there are none."""
    fields = [name for name in _COMMON_FIELDS if manifest.get(name) != other.get(name)]
    first, second = manifest.get("settings") or {}, other.get("settings") or {}
    settings = sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
    parents = [name for name in fields if name in ("benchmark", "parents")]
    return ", ".join([*settings, *parents] or fields)


def _check_rows(
    target: Path,
    requested: Mapping[Shard, Mapping[str, tuple[int, int]]],
    tables: Sequence[RowTable],
) -> None:
    """Raise MissingError, naming the rows, if a shard lacks rows that it was asked for."""
    for shard, rows in requested.items():
        missing = [
            index
            for index, (_, draws) in rows.items()
            if not all(any(table.state(index, draw) for table in tables) for draw in range(draws))
        ]
        if missing:
            raise MissingError(
                f"Shard {shard} of {target} lacks {len(missing)} rows: {abbreviated(missing)}. "
                "Run it again with the same command, then merge."
            )


def _order(requested: Iterable[Mapping[str, tuple[int, int]]]) -> list[str]:
    """The indices in the benchmark's order."""
    positions = {index: position for rows in requested for index, (position, _) in rows.items()}
    return sorted(positions, key=lambda index: positions[index])


def _manifest(
    target: Path, manifests: Mapping[Shard, Mapping[str, Any]], rows: int
) -> dict[str, Any]:
    """The sidecar of the merged file: the shards' settings, and their runs after its own.

    A run that a killed merge has already recorded is not added again.
    """
    recorded = runs_of(read_sidecar(target))
    runs = list(recorded)
    for shard, manifest in sorted(manifests.items(), key=lambda item: item[0].number):
        shard_runs = [{"shard": str(shard), **run} for run in runs_of(manifest) or [{"new": 0}]]
        runs += [run for run in shard_runs if run not in recorded]
    content = dict(next(iter(manifests.values())))
    del content["shard"]
    return {**content, "rows": rows, "runs": runs}
