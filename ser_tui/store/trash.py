"""Runs that were thrown away, in .trash/ beside the others: brought back, or removed for good."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ser_tui.store.runs import RunFolder, folders, resolve
from ser_tui.study.errors import UsageError, UserError

TRASH = ".trash"


def discard(folder: RunFolder) -> None:
    """Move a run's folder into the trash. Whether a worker is on it is asked before. Raises UserError."""
    trash = folder.path.parent / TRASH
    try:
        trash.mkdir(mode=0o700, exist_ok=True)
        folder.path.rename(trash / folder.run_id)
    except OSError as error:
        raise UserError(f"cannot move {folder.path} to {trash}: {error.strerror}") from None


def discarded(runs: Path) -> list[RunFolder]:
    """What is in the trash, what came last first."""
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
        raise UserError(f"cannot move {folder.path} to {back}: {error.strerror}") from None
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


def empty(runs: Path) -> list[str]:
    """Remove everything in the trash for good; what could not be removed, as paths."""
    for folder in discarded(runs):
        shutil.rmtree(folder.path, ignore_errors=True)
    return [str(folder.path) for folder in discarded(runs)]


def _moved(folder: RunFolder) -> tuple[int, str]:
    try:
        return os.stat(folder.path).st_ctime_ns, folder.run_id
    except OSError:
        return 0, folder.run_id
