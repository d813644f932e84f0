"""Folders to make something in, which go with whoever made them. What a killed process leaves is removed by the next that makes one there.

A process holds a lock on its folder for as long as it lives, so that whose is left behind is known without process ids.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ser_tui.store.processes import this_host

STALE_SECONDS = 3600.0
"""A folder that nobody holds is left alone for so long: its maker may be about to lock it."""


class HeldFolder:
    """An empty folder for this user alone, `path`, until it is released, dropped, or this process ends.

    It lies in `within`, else where the system keeps what is temporary. It may be moved, and is then left where it came. Raises OSError
    where it cannot be made.
    """

    def __init__(self, within: Path | None = None) -> None:
        place = Path(tempfile.gettempdir()) if within is None else within
        # Of one machine: some file systems have locks that others do not see.
        prefix = f"{'ser-tui' if within is None else '.ser-tui'}-held-{zlib.crc32(this_host().encode()):08x}-"
        _clear(place, prefix)
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        self._release = weakref.finalize(self, _remove, self.path, _locked(self.path))

    def release(self) -> None:
        """Remove it, and what it holds."""
        self._release()


@contextmanager
def held_folder(within: Path | None = None) -> Iterator[Path]:
    """A `HeldFolder` for as long as the block runs. Raises OSError."""
    held = HeldFolder(within)
    try:
        yield held.path
    finally:
        held.release()


def _clear(place: Path, prefix: str) -> None:
    """Remove those folders of this user's whose makers are gone."""
    for found in place.glob(f"{prefix}*"):
        with suppress(OSError):
            facts = found.lstat()
            if facts.st_uid == os.getuid() and time.time() - facts.st_mtime > STALE_SECONDS and (lock := _locked(found)) is not None:
                _remove(found, lock)


def _locked(folder: Path) -> int | None:
    """The open folder, which nobody else holds; None where somebody does, or its file system has no such locks."""
    lock: int | None = None
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if lock is not None:
            os.close(lock)
        return None
    return lock


def _remove(folder: Path, lock: int | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock)
