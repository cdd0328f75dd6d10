"""Mutation testing, by hand: `python -m tests.mutants NAME ...`, all modules without a name.

Each mutant is the module with one small change: an operator, a comparison, a number, a loop, or an
item of a dict that is left out. The tests that are to notice it run in a fork of this process, into
which the changed module is put in place of the real one; no file is changed. A mutant that no test
notices survives and is printed. What a test starts as another process runs the real module, so
only tests within the process count.

The changes are those of cosmic-ray (https://pypi.org/project/cosmic-ray), which must be installed.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.paths import ROOT

TESTS = {
    "leaderboard.statistics": ["tests/leaderboard/test_statistics.py"],
    "thought": ["tests/test_thought.py"],
    "store.shards": ["tests/store/test_shards.py"],
    "store.merging": ["tests/store/test_merge_faults.py", "tests/store/test_shards.py"],
    "store.row_index": [
        "tests/store/test_row_index.py",
        "tests/store/test_row_table.py",
        "tests/store/test_properties.py",
    ],
    "store.row_table": [
        "tests/store/test_row_table.py",
        "tests/store/test_columns.py",
        "tests/store/test_changed_files.py",
    ],
    "store.row_file": [
        "tests/store/test_row_table.py",
        "tests/store/test_changed_files.py",
        "tests/store/test_columns.py",
        "tests/store/test_writer_faults.py",
    ],
    "store.row_writer": [
        "tests/store/test_row_writer.py",
        "tests/store/test_merge_faults.py",
        "tests/store/test_row_table.py",
        "tests/store/test_changed_files.py",
        "tests/store/test_columns.py",
        "tests/store/test_writer_faults.py",
    ],
    "store.records": [
        "tests/store/test_records.py",
        "tests/store/test_row_table.py",
        "tests/store/test_columns.py",
        "tests/store/test_properties.py",
    ],
    "store.sidecar": [
        "tests/store/test_sidecar.py",
        "tests/store/test_row_table.py",
        "tests/stages/test_stage_files.py",
    ],
    "store.atomic": ["tests/store/test_atomic.py", "tests/store/test_writer_faults.py"],
    "store.file_lock": ["tests/store/test_file_lock.py"],
    "store.file_hash": ["tests/store/test_file_hash.py", "tests/stages/test_graded_files.py"],
    "stages.stage_file": [
        "tests/stages/test_tally_and_keys.py",
        "tests/stages/test_stage_files.py",
        "tests/pipeline/test_pipeline.py",
    ],
    "models.keys": ["tests/models/test_keys.py"],
    "models.fingerprint": ["tests/models"],
    "models.weights": ["tests/models/test_weights.py"],
}
"""Module → the tests that are to notice its mutants."""
HEAVY = ("numpy", "scipy.stats", "statsmodels.stats.api", "hypothesis", "pydantic", "PIL.Image")
"""Loaded once, before the forks."""
CPU_SECONDS = 120
"""A mutant that runs for longer has been noticed: it never ends."""
WALL_SECONDS = 600
QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
_SWAPS = {
    "ReplaceBinaryOperator": "Add_Sub Sub_Add Mul_Div Div_Mul FloorDiv_Div Mod_FloorDiv Pow_Mul",
    "ReplaceComparisonOperator": (
        "Eq_NotEq NotEq_Eq Lt_LtE Lt_GtE LtE_Lt LtE_Gt Gt_GtE Gt_LtE GtE_Gt GtE_Lt Is_IsNot "
        "IsNot_Is"
    ),
    "ReplaceUnaryOperator": "USub_UAdd Delete_USub Delete_Not",
}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the changed source) of every mutant."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    chosen = {f"core/{kind}_{swap}" for kind, swaps in _SWAPS.items() for swap in swaps.split()}
    for name in operator_names():
        if name.startswith(tuple(f"core/{kind}" for kind in _SWAPS)) and name not in chosen:
            continue
        if name == "core/VariableReplacer" or get_operator(name).arguments():
            continue
        operator = get_operator(name)()
        places = [
            place
            for node in ast_nodes(get_ast(source))
            for place in operator.mutation_positions(node)
        ]
        for number, ((line, _), _) in enumerate(places):
            try:
                changed = mutate_code(source, operator, number)
            except AttributeError:  # cosmic-ray takes every exception for a name without a dot
                continue
            if changed and _essence(changed) not in (None, _essence(source)):
                yield f"line {line}: {name.removeprefix('core/')}", changed
    yield from _without_items(source)


def _essence(source: str) -> str | None:
    """The program, but for what decides nothing: flags of dataclasses, `*` and `/` of signatures.

    The operators take every `*` for a product: turned into `/` it changes nothing in a signature,
    and leaves no program (None) where it unpacks.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call):
                    decorator.keywords = []
        elif isinstance(node, ast.arguments):
            node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            node.posonlyargs, node.kwonlyargs = [], []
            node.defaults += [default for default in node.kw_defaults if default]
            node.kw_defaults = []
    return ast.dump(tree)


def _without_items(source: str) -> Iterator[tuple[str, str]]:
    """The source without one item of one of its dicts."""
    count = sum(isinstance(node, ast.Dict) for node in ast.walk(ast.parse(source)))
    for number in range(count):
        item = 0
        while True:
            tree = ast.parse(source)
            found = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)][number]
            if item >= len(found.keys):
                break
            del found.keys[item], found.values[item]
            yield f"line {found.lineno}: item {item} left out", ast.unparse(tree)
            item += 1


class _Changed(MetaPathFinder, Loader):
    """Gives one module from a source of ours."""

    def __init__(self, name: str, source: str, path: Path) -> None:
        self.name, self.source, self.path = name, source, path

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)


def noticed(name: str, source: str, path: Path, tests: list[str]) -> bool:
    """Whether the tests fail with the module changed so."""
    child = os.fork()
    if child == 0:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        os.setpgid(0, 0)
        sys.meta_path.insert(0, _Changed(f"racro_eval.{name}", source, path))
        code = 1
        with contextlib.suppress(BaseException):
            arguments = [
                "-x",
                "-q",
                "-p",
                "no:cacheprovider",
                "-m",
                "not slow and not model",
                *QUIET,
            ]
            code = int(pytest.main([*arguments, *tests]))
        os._exit(code)
    until = time.monotonic() + WALL_SECONDS
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status != 0
        if time.monotonic() > until:  # it waits for what never comes
            os.killpg(child, 9)
        time.sleep(0.02)


def main() -> None:
    """Try the mutants of the modules named on the command line; `--sample N` tries N of each."""
    names = sys.argv[1:]
    sample = 0
    if "--sample" in names:
        place = names.index("--sample")
        sample = int(names[place + 1])
        del names[place : place + 2]
    for heavy in HEAVY:
        with contextlib.suppress(ImportError):
            importlib.import_module(heavy)
    from hypothesis import settings

    settings.register_profile("mutants", deadline=None, database=None, max_examples=50)
    settings.load_profile("mutants")
    os.chdir(ROOT)
    for name in names or TESTS:
        path = ROOT / "racro_eval" / f"{name.replace('.', '/')}.py"
        source = path.read_text(encoding="utf-8")
        if noticed(name, source, path, TESTS[name]):
            print(f"{name}: its tests fail without any change", flush=True)
            continue
        changes = list(mutants(source))
        if sample:
            changes = random.Random(0).sample(changes, min(sample, len(changes)))
        left = []
        for what, changed in changes:
            if not noticed(name, changed, path, TESTS[name]):
                left.append(what)
                print(f"  {name}, {what}: survives", flush=True)
        killed = len(changes) - len(left)
        print(f"{name}: {killed} of {len(changes)} killed, {killed / len(changes):.0%}", flush=True)


if __name__ == "__main__":
    main()
