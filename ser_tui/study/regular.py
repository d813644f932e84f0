"""Reading what must be a regular file, in whatever place somebody has put something else."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path


def open_regular(path: Path) -> io.BufferedReader:
    """Open a file for reading. Raises OSError, also for what is no regular file: opening a named pipe would wait for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path) -> bytes:
    """All bytes of a file that this program has written. Raises OSError as `open_regular`."""
    with open_regular(path) as stream:
        return stream.read()


def refuse_irregular(path: Path) -> None:
    """Raise OSError for what is no regular file, before a library opens `path` by its name."""
    open_regular(path).close()
