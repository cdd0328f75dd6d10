"""Two counts in a file, shared by the engine's benchmark and vLLM's worker."""

from __future__ import annotations

import struct
from pathlib import Path

VARIABLE = "RACRO_BENCH_COUNTS"
"""The variable that holds the file's name."""
FIELDS = struct.Struct("<QQ")
"""Engine steps, and images that went through the vision encoder."""


def make(path: Path) -> None:
    """A file with both counts at zero."""
    path.write_bytes(FIELDS.pack(0, 0))


def read(path: Path) -> tuple[int, int]:
    """Engine steps, and images that went through the vision encoder."""
    steps, images = FIELDS.unpack(path.read_bytes())
    return steps, images
