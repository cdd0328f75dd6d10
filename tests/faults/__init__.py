"""The fault campaign: faults put into real runs on purpose, and what a user would see of them.

    python -m tests.faults --seed 7            all kinds, long form (`make faults`)
    python -m tests.faults --seed 7 --only cuts --case "caption, byte 17"

A kind of fault is a module here with `NAME`, `SHORT` (how many cases the short form takes, which is
part of `make test`) and `cases(ground, seed)`. `campaign.py` runs and counts them; `process.py`
starts racro-eval as a process that can be killed; `ground.py` is what is run; `evidence.py` reads
what is on disk without racro-eval's own code.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import ModuleType

KINDS: dict[str, Callable[[], ModuleType]] = {
    name: partial(import_module, f"tests.faults.{name}")
    for name in (
        "kills",
        "engines",
        "crash_points",
        "cuts",
        "changed",
        "limits",
        "processes",
        "servers",
        "data",
        "names",
        "secrets",
        "old_caches",
    )
}
"""Kinds of fault by name, in the order of the table; imported when they are run."""
