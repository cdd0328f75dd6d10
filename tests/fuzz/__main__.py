"""`python -m tests.fuzz TARGET`: see the package."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import atheris

_FUZZED = ("racro_eval.data", "racro_eval.grading")
"""Packages of which some modules are imported only when they are needed."""

with atheris.instrument_imports(include=["racro_eval"]):
    from tests.fuzz.targets import TARGETS

    for package in map(importlib.import_module, _FUZZED):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)


def main() -> None:
    """Fuzz one target for ever, or as the options of libFuzzer say."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python -m tests.fuzz {'|'.join(TARGETS)} [options of libFuzzer]")
    target = TARGETS[sys.argv.pop(1)]
    options = [sys.argv[0], "-timeout=30", "-max_len=4096", *sys.argv[1:]]
    atheris.Setup(options, lambda data: target(bytes(data)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
