"""Taking nothing from the network: one switch for the hub's libraries here and in child processes.

They read their variables when they are imported, so a library that is there already is told too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

_VARIABLES = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
"""Child processes inherit them; those of another machine are given them (`ray_engine.py`)."""
_READ_AT_IMPORT = (
    ("huggingface_hub.constants", "HF_HUB_OFFLINE"),
    ("datasets.config", "HF_HUB_OFFLINE"),
    ("datasets.config", "HF_DATASETS_OFFLINE"),
)
_TRUE = ("1", "on", "true", "yes")

Function = TypeVar("Function", bound=Callable[..., Any])


def go_offline() -> None:
    """From now on this process and its children take nothing from the hub."""
    for name in _VARIABLES:
        os.environ[name] = "1"
    for module, name in _there():
        setattr(sys.modules[module], name, True)


def variables() -> dict[str, str]:
    """Those variables that are set, for a process that does not inherit them."""
    return {name: os.environ[name] for name in _VARIABLES if name in os.environ}


@contextmanager
def offline(wanted: bool) -> Iterator[None]:
    """Be offline within the block if wanted, and afterwards as before."""
    if not wanted:
        yield
        return
    environment = {name: os.environ.get(name) for name in _VARIABLES}
    settings = {at: getattr(sys.modules[at[0]], at[1]) for at in _there()}
    go_offline()
    try:
        yield
    finally:
        _restore(environment, settings)


def _there() -> list[tuple[str, str]]:
    """Those settings whose library is imported."""
    return [(module, name) for module, name in _READ_AT_IMPORT if module in sys.modules]


def _restore(environment: dict[str, str | None], settings: dict[tuple[str, str], Any]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    usual = any((value or "").lower() in _TRUE for value in environment.values())
    for module, name in _there():  # some may have been imported meanwhile
        setattr(sys.modules[module], name, settings.get((module, name), usual))


def as_configured(function: Function) -> Function:
    """Run a function of a config offline if the config says so."""

    @wraps(function)
    def wrapped(config: Any, *args: Any, **kwargs: Any) -> Any:
        with offline(config.offline):
            return function(config, *args, **kwargs)

    return cast(Function, wrapped)
