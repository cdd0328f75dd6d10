"""The rooms of the package and the arrows between them, from the code's own imports.

    python -m tests.architecture         # draws them anew in docs/architecture.md

A room is a folder of `racro_eval/`, or a module beside them. An arrow goes from the room that
imports to the one that is imported; imports for types alone count too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import grimp
import networkx

from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "architecture.md"
START, END = "<!-- rooms: python -m tests.architecture -->\n", "<!-- end of rooms -->\n"
EVERYWHERE = ("common", "errors", "settings")
"""Rooms that all others may use: their arrows would hide the rest of the picture."""
BY_HAND = "racro_eval.demo.train"
"""Made the demo's models once; no part of the installed package."""


@cache
def arrows() -> dict[str, set[str]]:
    """Each room, and the rooms that it imports."""
    graph = grimp.build_graph("racro_eval", cache_dir=None)
    modules = [name for name in graph.modules if not name.startswith(BY_HAND)]
    found: dict[str, set[str]] = {_room(name): set() for name in modules if _is_ours(name)}
    for name in filter(_is_ours, modules):
        for imported in filter(_is_ours, graph.find_modules_directly_imported_by(name)):
            if _room(imported) != _room(name):
                found[_room(name)].add(_room(imported))
    return found


def circles(rooms: Mapping[str, set[str]]) -> list[list[str]]:
    """The circles that arrows make; none if imports run one way."""
    return list(networkx.simple_cycles(networkx.DiGraph(dict(rooms))))


def picture(rooms: Mapping[str, set[str]]) -> str:
    """The rooms as a Mermaid diagram, without arrows that follow from others."""
    seen = {name: to - set(EVERYWHERE) for name, to in rooms.items() if name not in EVERYWHERE}
    graph = networkx.transitive_reduction(networkx.DiGraph(seen))
    lines = [f"    {start} --> {end}" for start, end in sorted(graph.edges)]
    alone = [f"    {name}" for name in sorted(graph.nodes) if not graph.degree(name)]
    return "\n".join(["```mermaid", "flowchart TD", *lines, *alone, "```", ""])


def with_picture(page: str, drawn: str) -> str:
    """The page with this picture in the place of its own."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return before + START + drawn + END + after


def lengths() -> dict[Path, int]:
    """The modules of the package, and their lines."""
    paths = (ROOT / "racro_eval").rglob("*.py")
    return {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}


def _is_ours(name: str) -> bool:
    return name.count(".") > 0 and not name.endswith("__main__")


def _room(name: str) -> str:
    return name.split(".")[1]


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_picture(text, picture(arrows())), encoding="utf-8")
