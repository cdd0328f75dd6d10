"""docs/architecture.md shows the code as it is."""

from __future__ import annotations

import re
from importlib import import_module
from statistics import median

import pytest

from tests.architecture import PAGE, arrows, circles, lengths, picture, with_picture
from tests.support.paths import ROOT

STEP = re.compile(r"^\d+\. `([\w./]+\.py)`: `([\w.]+)`", re.M)


def test_the_picture_is_that_of_the_imports() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_picture(page, picture(arrows())), "python -m tests.architecture draws it"


def test_imports_run_one_way() -> None:
    assert circles(arrows()) == []


def test_a_circle_would_be_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})


def test_every_room_is_described() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for room in arrows():
        folder = (ROOT / "racro_eval" / room).is_dir()
        assert f"`{room}/`" in page if folder else f"`{room}.py`" in page, room


def test_modules_are_short() -> None:
    counts = lengths()
    assert {path.name: count for path, count in counts.items() if count > 300} == {}
    assert median(counts.values()) <= 150


def test_the_walk_names_functions_that_are_there() -> None:
    steps = STEP.findall(PAGE.read_text(encoding="utf-8"))
    assert len(steps) >= 8
    for path, name in steps:
        target = import_module(f"racro_eval.{path.removesuffix('.py').replace('/', '.')}")
        for part in name.split("."):
            assert hasattr(target, part), f"{path}: {name}"
            target = getattr(target, part)


@pytest.mark.parametrize("path", re.findall(r"`((?:\w+/)+\w+\.py)`", PAGE.read_text("utf-8")))
def test_a_module_that_the_page_names_is_there(path: str) -> None:
    assert any((base / path).is_file() for base in (ROOT, ROOT / "racro_eval")), path
