"""YAML files that contain only JSON's values: mappings, lists, texts, numbers, booleans, null.

A file may come from an untrusted author. It is rejected if it contains anything else (a tag, a key
that is not a text, a number that JSON lacks), a duplicate key (YAML would silently keep the last
one), or aliases that expand it beyond any reasonable size. A date is a text, as in JSON.
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
"""Largest size of a settings file, in bytes."""
_LARGEST_CONTENT = 2 * LARGEST_FILE
"""Most characters of a file once its aliases are expanded; each value counts for 50 more."""
_MAX_DEPTH = 50
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
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path} cannot be read: {reason}.") from error
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
    """Builds values from nodes, up to a total size."""

    def __init__(self, loader: Any) -> None:
        self._loader, self._characters_left = loader, _LARGEST_CONTENT

    def value(self, node: Node, depth: int) -> Any:
        """The value of a node. Raises ValueError with the problem and its line."""
        self._characters_left -= 50 + (len(node.value) if isinstance(node, ScalarNode) else 0)
        if self._characters_left < 0 or depth > _MAX_DEPTH:
            raise _error(node, "too large or too deeply nested for settings")
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, depth)
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(item, depth + 1) for item in node.value]
        if isinstance(node, ScalarNode) and node.tag in _TEXTS:
            return node.value
        if isinstance(node, ScalarNode) and node.tag in _SCALARS:
            return self._scalar(node)
        raise _error(node, f"values of type {node.tag.removeprefix(_TAG)} are not allowed")

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                merged = self._merged(value, depth) | merged
            elif not isinstance(key, ScalarNode) or key.tag not in _TEXTS:
                raise _error(key, "a key must be a text; put it in quotes")
            elif key.value in own:
                raise _error(key, f"duplicate key {key.value!r}")
            else:
                own[key.value] = self.value(value, depth + 1)
        return merged | own

    def _merged(self, node: Node, depth: int) -> dict[str, Any]:
        """The value of `<<: *name`. If several mappings have a key, the first one wins."""
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
            kind = node.tag.removeprefix(_TAG)
            raise _error(node, f"{node.value!r:.40} is not a valid {kind}") from error
        if isinstance(value, float) and not math.isfinite(value):
            raise _error(node, f"{node.value!r:.40} is not a finite number")
        return value


def _error(node: Node, problem: str) -> ValueError:
    return ValueError(f"{problem} (line {node.start_mark.line + 1})")
