"""`python -m tests.fuzz TARGET`: see the package."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["racro_eval"]):
    from tests.fuzz.targets import TARGETS


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
