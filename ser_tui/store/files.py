"""Small files that are either old or new, never half of each."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ser_tui.places import group_bits
from ser_tui.study.errors import UserError
from ser_tui.study.regular import MOST_BYTES, open_regular, read_regular

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where a disk, a quota or a file is as large as it may be."""


_NO_RIGHTS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What the system says where a file system has no rights to give."""
_asking = threading.Lock()

RESERVE = 200 << 20
"""Bytes of disk that a download leaves free."""


class DiskError(UserError):
    """Something could not be stored. Nothing that was stored before is harmed, and it says nothing about a trial."""


PARTIAL = ".partial"
"""How the names of files end that are being written."""


@contextmanager
def replacing(path: Path, mode: int = 0o600, *, durable: bool = True, private: bool = False) -> Iterator[Path]:
    """An empty file beside `path` to write to, by whatever library; at the end it takes the place of `path`, and where that fails it
    is gone. `durable`: a power cut leaves the old file or the new one; caches, which can be made again, do without. In a folder that is a
    group's (`places.group_bits`) what ser_tui keeps for itself, of mode 0o600, is the group's too, but where it is `private`; what is
    exported keeps to the umask. Raises OSError.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PARTIAL, dir=path.parent)
    os.close(descriptor)
    partial = Path(name)
    try:
        yield partial
        if durable:
            with partial.open("rb") as written:
                os.fsync(written.fileno())
        give_rights(partial, mode, group_bits(path.parent) if mode == 0o600 and not private else 0)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def give_rights(path: Path, mode: int, besides: int = 0) -> None:
    """Give the file `path` these rights but those that the user's umask takes from every file, and those `besides`, where its file system
    has rights of its own: FAT, and some that are mounted by FUSE, have not."""
    if mode & 0o077:
        mode &= ~_umask()
    mode |= besides
    # Not through a link, which somebody who may write in the folder may put in its place meanwhile.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
            os.fchmod(descriptor, mode)
    except OSError as error:
        if error.errno not in _NO_RIGHTS:
            raise
    finally:
        os.close(descriptor)


def _umask() -> int:
    """The user's umask."""
    with suppress(OSError, ValueError, StopIteration), open("/proc/self/status", encoding="ascii", errors="replace") as status:
        return int(next(line for line in status if line.startswith("Umask:")).split()[1], 8)
    # Elsewhere there is no asking without setting it, one thread at a time; for that moment nobody gets more than they should.
    with _asking:
        umask = os.umask(0o077)
        os.umask(umask)
        return umask


def write_atomically(path: Path, data: bytes, mode: int = 0o600, *, durable: bool = True, private: bool = False) -> None:
    """Replace `path` by `data`, see `replacing`. Raises OSError."""
    with replacing(path, mode, durable=durable, private=private) as partial:
        partial.write_bytes(data)


def remove_leftovers(path: Path) -> None:
    """Remove temporary files that killed processes left beside `path`. Only while no other process may write it."""
    for left in path.parent.glob(f".{path.name}.*"):
        left.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Make renames and new names in `path` survive a power cut, where the file system can do that."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems refuse fsync on folders; the rename itself is done
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make every file and folder in `folder` survive a power cut. Raises OSError, also where a disk says so late that it is full.

    Before the marker, or the name, by which others take it for complete: a file system may keep these and lose what was
    written earlier. All files at the end, not each as it is written: the first one takes most of the others along.
    """

    def complain(error: OSError) -> None:
        raise error

    for place, _, names in os.walk(folder, topdown=False, onerror=complain):
        for name in names:
            descriptor = os.open(os.path.join(place, name), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_folder(Path(place))


def write_json(path: Path, value: Any, *, private: bool = False) -> None:
    """Replace `path` by `value` as JSON, see `replacing`. Raises OSError; a NaN raises ValueError."""
    # Escaped: a file name that is not UTF-8 is text with lone surrogates, which no encoding takes.
    write_atomically(path, json.dumps(value, ensure_ascii=True, allow_nan=False, indent=1).encode() + b"\n", private=private)


def read_json(path: Path, most: int = MOST_BYTES) -> Any:
    """The JSON value in `path`, or None where there is no readable one of at most so many bytes."""
    try:
        return json.loads(read_regular(path, most))
    except (OSError, ValueError, RecursionError):
        return None


def digest_of(path: Path) -> str:
    """The SHA-256 of the file's bytes. Raises OSError."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_if_read(path: Path) -> str:
    """The same; empty where it cannot be read."""
    try:
        return digest_of(path)
    except OSError:
        return ""


def read_held(path: Path) -> dict[str, Any]:
    """The JSON object in `path`, which holds what a person has said; empty where there is no file. Raises UserError where it cannot be
    read, or is damaged: nothing is known of it then, rather than that nothing was said, and whoever wrote it anew would lose what it holds.
    """
    try:
        held: Any = json.loads(read_regular(path) or b"{}")
        what = "" if isinstance(held, dict) else "no object of JSON"
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DiskError(f"{path} cannot be read: {error.strerror}; mend that and try again") from None
    except (ValueError, RecursionError):
        what = "no JSON any more"
    if what:
        raise DiskError(f"{path} is damaged: it is {what}; mend it, or delete it, which loses what it holds")
    return dict(held)


AGAIN = "`ser-tui resume`, or the same command again"
"""What most writes that failed are followed by, once there is room."""


def disk_message(error: OSError, doing: str, path: Path, again: str = AGAIN) -> DiskError:
    """The one line for a write that failed: what, where, what to do, and what to do `again` after it."""
    if error.errno in FULL:
        return DiskError(f"no room left while {doing} ({path}: {error.strerror}); free some space, then {again}")
    return DiskError(f"cannot write while {doing} ({path}: {error.strerror}); mend that, then {again}")


def refused(error: OSError, doing: str, path: Path) -> DiskError:
    """The same for whatever the system refused, reading or writing, in the middle of other work."""
    if error.errno in FULL:
        return disk_message(error, doing, path)
    return DiskError(f"the system refused a file while {doing} ({path}: {error.strerror or error}); mend that, then {AGAIN}")


@contextmanager
def disk_errors(doing: str, path: Path, again: str = AGAIN) -> Iterator[None]:
    """Within, an OSError becomes the DiskError of `disk_message`."""
    try:
        yield
    except OSError as error:
        raise disk_message(error, doing, path, again) from None


def shortage(place: Path, free: int, wanted: int, what: str, variable: str) -> str:
    """The one line for a disk on which `what` wants more bytes than are free; empty where there is room. `variable` names the
    environment variable by which `place` can be moved to another disk."""
    if free >= wanted:
        return ""
    megabytes = -(-wanted // 2**20)
    return (
        f"only {free // 2**20:,} MB free in {place}; {what} wants {megabytes:,} MB, {megabytes - free // 2**20:,} more: "
        f"free some space, or set {variable} to another disk"
    )


def refuse_full_disk(place: Path, wanted: int, what: str, variable: str) -> None:
    """Raise DiskError where fewer than `wanted` bytes are free in `place`, an existing folder."""
    free = free_bytes(place)
    line = "" if free is None else shortage(place, free, wanted, what, variable)
    if line:
        raise DiskError(line)


def free_bytes(place: Path) -> int | None:
    """Bytes that are free in `place`, an existing folder; None where its file system does not say, as some that are mounted by FUSE."""
    try:
        usage = shutil.disk_usage(place)
    except OSError:
        return None
    return usage.free if usage.total else None
