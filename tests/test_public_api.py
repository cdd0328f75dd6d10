"""The public names, and the tree of errors."""

from __future__ import annotations

import ast
import doctest
import inspect
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import racro_eval
from racro_eval import errors


def test_every_public_name_exists_is_sorted_and_comes_from_its_home() -> None:
    assert list(racro_eval.__all__) == sorted(racro_eval.__all__)
    assert dir(racro_eval) == sorted(racro_eval.__all__)
    assert all(getattr(racro_eval, name) is not None for name in racro_eval.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = racro_eval.nothing


@pytest.mark.parametrize("name", racro_eval.__all__)
def test_every_public_name_has_an_example_that_does_what_it_shows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RACRO_CACHE", str(tmp_path / "cache"))
    text = inspect.getdoc(getattr(racro_eval, name)) or ""
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert "from racro_eval import " in "".join(line.source for line in example.examples)
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert "".join(said) == ""


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, racro_eval; print({'pydantic', 'yaml', 'rich', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_tree_of_errors_is_the_one_drawn_in_its_docstring() -> None:
    # read from the source of all modules: what subclasses are there in memory is up to the imports
    children = defaultdict(list)
    for path in sorted(Path(racro_eval.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for base in node.bases if isinstance(node, ast.ClassDef) else ():
                children[ast.unparse(base).rpartition(".")[2]].append(node.name)

    def drawn(kind: str, depth: int = 0) -> list[tuple[int, str]]:
        below = [drawn(child, depth + 1) for child in children[kind]]
        return [(depth, kind), *(line for lines in below for line in lines)]

    assert errors.__doc__ is not None
    tree = [
        (len(line) - len(line.lstrip("│├└─ ")), line.lstrip("│├└─ ").split()[0])
        for line in errors.__doc__.splitlines()
        if "Error " in line
    ]
    assert [(spaces // 4, name) for spaces, name in tree] == drawn("RacroError")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.ConfigError, 2),
        (errors.ChecksumError, 2),
        (errors.CacheError, 2),
        (errors.MissingError, 3),
        (errors.EngineError, 3),
    ],
)
def test_exit_codes(kind: type[errors.RacroError], code: int) -> None:
    assert kind("x").exit_code == code
