"""Typed settings from YAML files: benchmarks, prompt sets, models and sweeps are read the same way.

Unknown keys are errors, so that a misspelt setting is never silently ignored.
"""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from racro_eval.common import redaction
from racro_eval.common.yaml_files import read_yaml
from racro_eval.errors import ConfigError, UnknownNameError

_SUFFIXES = (".yaml", ".yml")


class Strict(BaseModel):
    """Base class of everything read from YAML: frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _learn_secrets(cls, content: Any) -> Any:
        """Register passwords in URLs first, so that not even an error message shows one."""
        for key, value in content.items() if isinstance(content, dict) else ():
            if key.endswith("url") or "@" in str(value):
                redaction.learn(value)
        return content


Settings = TypeVar("Settings", bound=Strict)


def read_mapping(path: Traversable | Path) -> dict[str, Any]:
    """The mapping in a YAML file, not validated. Raises ConfigError."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must contain a mapping of settings.")
    return content


def read_settings(kind: type[Settings], path: Traversable | Path) -> Settings:
    """The settings in a YAML file. Raises ConfigError naming the file, the key and the problem."""
    return parse_settings(kind, read_mapping(path), str(path))


def parse_settings(kind: type[Settings], content: dict[str, Any], origin: str) -> Settings:
    """The settings in a mapping. Raises ConfigError; `origin` is what it calls the mapping."""
    redaction.learn_environment()
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "settings"
        problem = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            problem = "there is no such key"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ConfigError(f"{origin}: {key}: {problem}{more}.") from error


def shipped(package: str) -> dict[str, Traversable]:
    """Name → YAML resource of a data package, sorted by name."""
    return {
        entry.name.removesuffix(".yaml"): entry
        for entry in sorted(resources.files(package).iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".yaml")
    }


def named(package: str, kind: str, name: str) -> Traversable | Path:
    """The shipped YAML of that name, or the user's own if `name` is the path of a YAML file.

    Raises UnknownNameError with the nearest names.
    """
    if name.endswith(_SUFFIXES):
        return Path(name)
    entries = shipped(package)
    if name not in entries:
        hint = f"`racro-eval list {package.rpartition('.')[2]}` shows all."
        raise UnknownNameError(kind, name, entries, hint)
    return entries[name]
