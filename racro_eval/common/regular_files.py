"""Files that others name, opened so that none can hang the run or fill its memory.

A path in a benchmark, or one that a user mistypes, may lead to a FIFO, a device, a socket or a
folder, also through a link. Only regular files are read; what is read whole has a limit.
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
    """The file, opened for reading bytes.

    Raises OSError, whose `strerror` is fit for a sentence, if it cannot be or is no regular file;
    ValueError for a name that no file can have.
    """
    try:
        # Not to block: opening a FIFO would wait for somebody who writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.EINVAL, "a socket, not a regular file", str(path)) from error
        raise
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        what = _KINDS.get(kind, "something else")
        raise OSError(errno.EINVAL, f"{what}, not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path | str, limit: int) -> bytes:
    """The whole file of at most `limit` bytes. Raises as `open_regular`, and for a larger file."""
    with open_regular(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        size = f"{limit >> 20} MiB" if limit >> 20 else f"{limit} bytes"
        raise OSError(errno.EFBIG, f"larger than {size}", str(path))
    return content
