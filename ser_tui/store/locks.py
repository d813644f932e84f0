"""Locks between processes: held by the kernel for as long as their holder lives, and refused where there are none."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ser_tui.places import group_bits
from ser_tui.study.errors import UserError

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What the system says where a file system has no locks: Lustre without `-o flock`, NFS without its lock service."""


TURN_SECONDS = 10.0
"""A small file is written in far less, but where a disk has gone."""


class NoLocks(UserError):
    """The file system has no locks: two processes could not be kept apart there."""


def file_lock(path: Path, timeout: float = -1) -> FileLock:
    """An advisory lock on `path`, not held yet; the file is its user's alone, or its folder's group's. Take it within `told_without_locks`.

    Never a lock that is a file's existence, which filelock falls back to: it would outlive a killed worker, and hold its
    run for ever.
    """
    return FileLock(path, timeout=timeout, mode=0o600 | group_bits(path.parent), fallback_to_soft=False)


@contextmanager
def told_without_locks(path: Path, variable: str) -> Iterator[None]:
    """Raise NoLocks, in one line, where a lock on `path` is refused inside because its file system has none.

    `variable`: the environment variable by which the folder can be put elsewhere.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        raise NoLocks(
            f"{path.parent}: its file system has no locks ({error.strerror}), as some network folders; use a local disk: set "
            f"{variable} to a folder on one"
        ) from None


@contextmanager
def locked(path: Path, variable: str, timeout: float = -1) -> Iterator[None]:
    """Hold the lock on `path`. Raises NoLocks, filelock.Timeout, or OSError where the file cannot be made."""
    lock = file_lock(path, timeout)
    with told_without_locks(path, variable):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Hold the lock on `path` while a small file is read and written anew, so that of two who do so at once none loses what the other has
    written. Where the file system has no locks it is done without: what is kept so is words and measurements, and nobody else may be there.
    Raises OSError, of which filelock.Timeout is one.
    """
    lock = file_lock(path, TURN_SECONDS)
    try:
        lock.acquire()
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    try:
        yield
    finally:
        lock.release()


@contextmanager
def written_in_turn(lock: Path, path: Path, variable: str = "") -> Iterator[None]:
    """Within, where the file `path` is written under `lock`, what goes wrong becomes a UserError: that another process holds the lock, or
    what the system refuses. `variable`: the environment variable by which the folder can be put elsewhere."""
    try:
        yield
    except Timeout:
        raise UserError(f"{lock} is held by another process; try again") from None
    except OSError as error:
        todo = f", or set {variable} to a folder that you may write" if variable else ""
        raise UserError(f"cannot write {path}: {error.strerror}; mend that and try again{todo}") from None


def is_held(path: Path) -> bool:
    """Whether a process holds the lock on `path`. Raises OSError where that cannot be seen.

    Seen by a shared lock, for a moment: two who look at once do not take each other for whoever holds it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        return True
    finally:
        os.close(descriptor)
    return False
