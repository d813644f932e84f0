"""A folder to make something in beside its place, so that it is moved there when it is complete."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def beside(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, for this user alone; it is removed, and so are those that killed processes left.

    Hold the lock of `folder`. No TemporaryDirectory: that is removed at the end of a process even while a thread of it,
    or a child, still writes there, which prints a traceback over a terminal that was given back.
    """
    prefix = f".{folder.name}-"
    for stale in folder.parent.glob(f"{prefix}*"):
        shutil.rmtree(stale, ignore_errors=True)
    fresh = tempfile.mkdtemp(dir=folder.parent, prefix=prefix)
    try:
        yield Path(fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
