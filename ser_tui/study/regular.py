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


def is_file(path: Path) -> bool:
    """Whether there is such a file, as far as this user may know: what lies in another's private folder is none. Raises OSError where the
    disk is away, of which nothing is known."""
    try:
        return path.is_file()
    except PermissionError:
        return False


AWAY = frozenset(
    getattr(errno, name)
    for name in (
        "ESTALE", "ENOTCONN", "ESHUTDOWN", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ECONNREFUSED",
        "ECONNRESET", "ECONNABORTED", "ENOLINK", "ENODEV", "EKEYEXPIRED", "ENOKEY", "EMFILE", "ENFILE", "ENOMEM", "EINTR",
    )
    if hasattr(errno, name)
)  # fmt: skip
"""What the system says where nothing is known of a file: its server or its disk is not there just now, a ticket has run out, or this
process has too much open."""

_TRIES = 3


MOST_BYTES = 64 << 20
"""More than any table has that this program keeps in one file: what is larger was written by somebody else."""


def read_regular(path: Path, most: int = MOST_BYTES) -> bytes:
    """All bytes of a file that this program has written. Raises OSError as `open_regular`, also for more than `most` bytes."""
    for _ in range(_TRIES - 1):
        try:
            return _all_of(path, most)
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
            # On NFS, where another host has put a new file in its place since it was opened: that one is read.
    return _all_of(path, most)


def _all_of(path: Path, most: int) -> bytes:
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size <= most:
            data = stream.read(size + 1)  # asks for the room that is needed, and sees whether the file has grown
            if len(data) <= most:
                return data
    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))


def refuse_irregular(path: Path) -> None:
    """Raise OSError for what is no regular file, before a library opens `path` by its name."""
    open_regular(path).close()
