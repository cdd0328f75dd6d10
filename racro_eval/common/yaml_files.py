"""YAML as JSON's values: mappings with text keys, lists, texts, numbers, booleans, nothing.

A file may come from somebody else. It is refused in one sentence if it would give anything else (a
tag, a key that is no text, a number that JSON has not), if a key stands twice in a mapping, of
which YAML would keep the last, and if its aliases make more of it than anybody writes. A date is a
text, as in JSON.
"""

from __future__ import annotations

import math
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from racro_eval.common.regular_files import read_regular
from racro_eval.errors import ConfigError

LARGEST_FILE = 4 << 20
"""Bytes of a file of settings."""
_ROOM = 2 * LARGEST_FILE
"""Characters that a file may hold once its aliases are followed; a value counts for 50 more."""
_DEEPEST = 50
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TEXTS = tuple(_TAG + name for name in ("str", "timestamp", "value"))
_SCALARS = tuple(_TAG + name for name in ("null", "bool", "int", "float"))


def read_yaml(path: Traversable | Path) -> Any:
    """The value in a YAML file. Raises ConfigError."""
    try:
        content = read_regular(path, LARGEST_FILE) if isinstance(path, Path) else path.read_bytes()
        text = content.decode("utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path} cannot be read: {why}.") from error
    try:
        return _parse(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"{path} is not valid YAML: {problem}.") from error


def _parse(text: str) -> Any:
    loader = _LOADER(text)
    try:
        node = loader.get_single_node()
        return None if node is None else _Builder(loader).value(node, 0)
    finally:
        loader.dispose()


class _Builder:
    """Makes values of nodes, within the room there is."""

    def __init__(self, loader: Any) -> None:
        self._loader, self._room = loader, _ROOM

    def value(self, node: Node, depth: int) -> Any:
        """Raises ValueError, saying what is wrong in which line."""
        self._room -= 50 + (len(node.value) if isinstance(node, ScalarNode) else 0)
        if self._room < 0 or depth > _DEEPEST:
            raise _error(node, "too much, or too deep, for settings")
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, depth)
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(item, depth + 1) for item in node.value]
        if isinstance(node, ScalarNode) and node.tag in _TEXTS:
            return node.value
        if isinstance(node, ScalarNode) and node.tag in _SCALARS:
            return self._scalar(node)
        raise _error(node, f"there are no values of the kind {node.tag.removeprefix(_TAG)}")

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                merged = self._merged(value, depth) | merged
            elif not isinstance(key, ScalarNode) or key.tag not in _TEXTS:
                raise _error(key, "a key must be a text; put it in quotes")
            elif key.value in own:
                raise _error(key, f"the key {key.value!r} stands twice")
            else:
                own[key.value] = self.value(value, depth + 1)
        return merged | own

    def _merged(self, node: Node, depth: int) -> dict[str, Any]:
        """What `<<: *name` brings; of several, the first that has a key gives it."""
        merged: dict[str, Any] = {}
        for part in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(part, MappingNode):
                raise _error(part, "only a mapping can be merged with <<")
            merged = self.value(part, depth + 1) | merged
        return merged

    def _scalar(self, node: ScalarNode) -> Any:
        try:
            value = self._loader.construct_object(node)
        except (ValueError, KeyError) as error:
            raise _error(node, f"{node.value!r:.40} is no {node.tag.removeprefix(_TAG)}") from error
        if isinstance(value, float) and not math.isfinite(value):
            raise _error(node, f"{node.value!r:.40} is no number that can be used")
        return value


def _error(node: Node, what: str) -> ValueError:
    return ValueError(f"{what} (line {node.start_mark.line + 1})")
