"""Runs that were thrown away, in .trash/ beside the others: brought back, or removed for good."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from ser_tui.places import folder_within
from ser_tui.store.runs import RunFolder, folders, resolve
from ser_tui.study.errors import UsageError, UserError

TRASH = ".trash"
_GONE = ".deleted-"


def discard(folder: RunFolder) -> None:
    """Move a run's folder into the trash. Whether a worker is on it is asked before. Raises UserError."""
    trash = folder.path.parent / TRASH
    try:
        folder_within(trash)
        _refuse_link(trash)
        folder.path.rename(trash / folder.run_id)
    except OSError as error:
        raise UserError(f"cannot move {folder.path} to {trash}: {error.strerror}; {_todo(error)}") from None


def remove(runs: Path, folder: RunFolder) -> None:
    """Remove a run's folder, of `runs` or in its trash, for good. Raises UserError."""
    try:
        # Renamed first: a removal that is cut short leaves no half a run in a list.
        folder.path.rename(runs / f"{_GONE}{folder.run_id}")
    except OSError as error:
        raise UserError(f"cannot delete {folder.path}: {error.strerror}; {_todo(error)}") from None
    for hidden in runs.glob(f"{_GONE}*"):
        # Another process may be removing it too; what stays is out of the list, and goes with the next removal.
        shutil.rmtree(hidden, ignore_errors=True)


def _todo(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "it is somebody else's, who has not given its folder to a group to write in; set SER_TUI_RUNS to your own"
    return "mend that and try again"


def _refuse_link(trash: Path) -> None:
    """Raise UserError where the trash is a link: what is removed in it would be another folder's."""
    if trash.is_symlink():
        raise UserError(f"{trash} is a link; the trash of runs lies beside them: remove the link")


def discarded(runs: Path) -> list[RunFolder]:
    """What is in the trash, what came last first. Raises UserError where the trash is a link."""
    _refuse_link(runs / TRASH)
    return sorted(folders(runs / TRASH), key=_moved, reverse=True)


def restore(runs: Path, reference: str) -> RunFolder:
    """Bring a run back: `latest` is the one that was thrown away last, else as `store.runs.resolve`. Raises UserError."""
    held = discarded(runs)
    if not held:
        raise UsageError(f"there is nothing in the trash of {runs}")
    folder = held[0] if reference == "latest" else resolve(runs / TRASH, reference)
    back = runs / folder.run_id
    if back.exists():
        raise UserError(f"{back} is there already; move it away first")
    try:
        folder.path.rename(back)
    except OSError as error:
        raise UserError(f"cannot move {folder.path} to {back}: {error.strerror}; {_todo(error)}") from None
    return RunFolder(back)


def size(folder: RunFolder) -> int:
    """Bytes of its files."""
    total = 0
    for place, _, names in os.walk(folder.path):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue  # gone meanwhile
    return total


def _moved(folder: RunFolder) -> tuple[int, str]:
    try:
        return os.stat(folder.path).st_ctime_ns, folder.run_id
    except OSError:
        return 0, folder.run_id
