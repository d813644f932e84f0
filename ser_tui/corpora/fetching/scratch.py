"""A folder to make a corpus in beside its place, so that it is moved there when it is complete."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ser_tui.corpora.locations import READY
from ser_tui.store.files import sync_folder, sync_tree, write_atomically


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


def put_in_place(fresh: Path, folder: Path, marker: Mapping[str, Any]) -> None:
    """Make `fresh`, a folder that `beside` is the parent of, the complete corpus in `folder`. Raises OSError.

    What it holds is on the disk before the marker is, and the marker before its name: after a power cut nothing is taken
    for complete of which a part is missing.
    """
    sync_tree(fresh)
    write_atomically(fresh / READY, json.dumps(marker).encode() + b"\n")
    if folder.exists():
        os.rename(folder, fresh.parent / "incomplete")
    os.rename(fresh, folder)
    sync_folder(folder.parent)
