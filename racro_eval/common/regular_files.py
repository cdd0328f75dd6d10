"""Opening files named by benchmarks and users, so that none can block the run or fill its memory.

A path in a benchmark, or one that a user mistypes, may point to a FIFO, a device, a socket or a
folder, possibly through a link. Only regular files are read; reading a whole file has a size limit.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_regular(path: Path | str) -> BufferedReader:
    """Open a regular file for reading bytes.

    Raises OSError if it cannot be opened or is not a regular file (its `strerror` says so in plain
    words), and ValueError for an invalid file name.
    """
    try:
        # O_NONBLOCK: opening a FIFO would otherwise wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.EINVAL, "a socket, not a regular file", str(path)) from error
        raise
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        kind_name = _KINDS.get(kind, "an unknown kind of file")
        raise OSError(errno.EINVAL, f"{kind_name}, not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path | str, limit: int) -> bytes:
    """Read a whole file. Raises like `open_regular`, and OSError if it exceeds `limit` bytes."""
    with open_regular(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        size = f"{limit >> 20} MiB" if limit >> 20 else f"{limit} bytes"
        raise OSError(errno.EFBIG, f"larger than {size}", str(path))
    return content
