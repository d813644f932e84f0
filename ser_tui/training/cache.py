"""The feature cache as a whole: where it is, how large, how it is bounded and cleared. Imports nothing heavy.

Features lie in shards, files of up to some 64 MB in a folder per kind of feature. A shard is written under another name and
renamed, never changed, and its modification time is renewed when it is used; the longest unused are removed first.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ser_tui import places
from ser_tui.store.files import PARTIAL
from ser_tui.study.errors import UserError

DEFAULT_LIMIT_GB = 8.0
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Usage:
    """Size of the feature cache in bytes, its limit, and the number of shards."""

    folder: Path
    size: int
    limit: int
    shards: int


def folder() -> Path:
    """Where features are cached."""
    return places.cache_folder() / "features"


def limit() -> int:
    """Largest size in bytes: SER_TUI_CACHE_GB (0 switches the cache off), 8 GB otherwise. Raises UserError."""
    text = os.environ.get("SER_TUI_CACHE_GB") or str(DEFAULT_LIMIT_GB)
    try:
        value = float(text)
        if not 0 <= value < 1e9:
            raise ValueError
    except ValueError:
        raise UserError(f"SER_TUI_CACHE_GB={text!r:.40}: not a size; set it to a number of gigabytes, such as 8") from None
    return int(value * 1e9)


def usage() -> Usage:
    """How large the cache is now."""
    shards = _shards()
    return Usage(folder(), sum(size for _, size, _ in shards), limit(), len(shards))


def clear() -> int:
    """Remove all cached features that may be removed; returns the bytes freed. A run that is using them computes them again."""
    before = usage().size
    shutil.rmtree(folder(), ignore_errors=True)
    return before - usage().size


def make_room(needed: int) -> bool:
    """Remove the longest unused shards until `needed` more bytes fit under the limit. False where they do not."""
    bound = limit()
    if needed > bound:
        return False
    shards = sorted(_shards())
    total = sum(size for _, size, _ in shards)
    for _, size, path in shards:
        if total + needed <= bound:
            break
        if remove(path):
            total -= size
    return total + needed <= bound


def remove(path: Path) -> bool:
    """Remove one shard; False where that may not be, as in a cache that is read-only or another user's."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _shards() -> list[tuple[float, int, Path]]:
    """(modification time, size, path) of every shard; files that a second process removes meanwhile are passed over."""
    found = []
    for pattern in (f"*/*{SUFFIX}", f"*/*{PARTIAL}"):
        for path in folder().glob(pattern):
            try:
                state = path.stat()
            except OSError:
                continue
            found.append((state.st_mtime, state.st_size, path))
    return found
