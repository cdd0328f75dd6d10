"""Using nothing from the network: one switch for the hub's libraries, here and in child processes.

The libraries read their environment variables when they are imported, so the settings of a library
that is already imported are changed too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

_VARIABLES = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
"""Child processes inherit them; `engines/ray.py` passes them to processes on other machines."""
_READ_AT_IMPORT = (
    ("huggingface_hub.constants", "HF_HUB_OFFLINE"),
    ("datasets.config", "HF_HUB_OFFLINE"),
    ("datasets.config", "HF_DATASETS_OFFLINE"),
)
"""(module, attribute) of the settings that the libraries read from these variables."""
_TRUE = ("1", "on", "true", "yes")

Function = TypeVar("Function", bound=Callable[..., Any])


def go_offline() -> None:
    """From now on this process and its children download nothing from the hub."""
    for name in _VARIABLES:
        os.environ[name] = "1"
    for module, name in _imported_settings():
        setattr(sys.modules[module], name, True)


def variables() -> dict[str, str]:
    """Those of the variables that are set, for a process that does not inherit them."""
    return {name: os.environ[name] for name in _VARIABLES if name in os.environ}


@contextmanager
def offline(enabled: bool) -> Iterator[None]:
    """Be offline inside the block if `enabled`; restore the previous state after it."""
    if not enabled:
        yield
        return
    environment = {name: os.environ.get(name) for name in _VARIABLES}
    settings = {
        (module, name): getattr(sys.modules[module], name) for module, name in _imported_settings()
    }
    go_offline()
    try:
        yield
    finally:
        _restore(environment, settings)


def _imported_settings() -> list[tuple[str, str]]:
    """Those of the libraries' settings whose module is imported."""
    return [(module, name) for module, name in _READ_AT_IMPORT if module in sys.modules]


def _restore(environment: dict[str, str | None], settings: dict[tuple[str, str], Any]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    default = any((value or "").lower() in _TRUE for value in environment.values())
    for module, name in _imported_settings():  # possibly imported inside the block
        setattr(sys.modules[module], name, settings.get((module, name), default))


def offline_if_configured(function: Function) -> Function:
    """Run a function whose first argument is a RunConfig offline if the config says so."""

    @wraps(function)
    def wrapped(config: Any, *args: Any, **kwargs: Any) -> Any:
        with offline(config.offline):
            return function(config, *args, **kwargs)

    return cast(Function, wrapped)
