"""Typed settings from YAML files: benchmarks, prompt sets, models and sweeps are read the same way.

Unknown keys are errors, so that a misspelt setting is never silently ignored.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

from racro_eval.common import redaction
from racro_eval.common.registry import PREFIX, Registry
from racro_eval.common.yaml_files import read_yaml
from racro_eval.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

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


def one_of(names: Iterable[str]) -> AfterValidator:
    """What a text setting is checked by that holds one of these names."""
    known = tuple(names)

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"there is no {name!r}; known: {', '.join(known)}")
        return name

    return AfterValidator(check)


def yaml_registry(group: str, kind: str) -> Registry[Traversable]:
    """The YAML files of the package racro_eval.GROUP by name, and those that other packages add.

    The value of such an entry point is the package that holds the file NAME.yaml.
    """
    shipped = {
        entry.name.removesuffix(".yaml"): entry
        for entry in sorted(resources.files(PREFIX + group).iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".yaml")
    }
    return Registry(group, kind, Traversable, shipped, _yaml_of)


def _yaml_of(plugin: EntryPoint) -> Traversable:
    path = resources.files(plugin.module) / f"{plugin.name}.yaml"
    if not path.is_file():
        raise FileNotFoundError(f"the package {plugin.module} has no file {plugin.name}.yaml")
    return path


def yaml_named(registry: Registry[Traversable], name: str) -> Traversable | Path:
    """The YAML of that name, or the user's own if `name` is the path of a YAML file.

    Raises what the registry raises.
    """
    return Path(name) if name.endswith(_SUFFIXES) else registry[name]
