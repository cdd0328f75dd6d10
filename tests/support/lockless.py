"""A process that appends rows where every flock succeeds, as on a mount without locks.

Arguments: the file, a name for its rows, how many. The file is opened and compacted for each five.
With the word `hold` it says that it has the file, and waits to be killed.
"""

from __future__ import annotations

import fcntl
import sys
import time
from pathlib import Path

from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.row_writer import RowWriter
from tests.support.store import row


def main(path: Path, name: str, count: int) -> None:
    """Append the rows."""
    numbers = list(range(count))
    for start in range(0, count, 5):
        with RowWriter(path, CALL_COLUMNS) as writer:
            for number in numbers[start : start + 5]:
                writer.append(row(f"{name}{number}", "line\n" * 50))
            writer.compact([f"{name}{number}" for number in reversed(numbers)])


def hold(path: Path) -> None:
    """Take the file, write a row and never give it back."""
    writer = RowWriter(path, CALL_COLUMNS)
    writer.append(row("held"))
    print("held", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    fcntl.flock = lambda *_: None
    if sys.argv[2] == "hold":
        hold(Path(sys.argv[1]))
    else:
        main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
