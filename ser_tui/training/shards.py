"""One kind of cached tensors on disk: key -> tensor, in safetensors shards that are memory-mapped.

Shards are written whole under another name and renamed, soon after they were made, so that processes that need the same tensors share the
work, and one that is killed loses little. Two writers at worst store the same tensor twice. Every tensor
carries a CRC-32, checked when it is first used; a shard with a wrong one is removed, and what it held is made again. One that
cannot be read now, and one of a folder that belongs to somebody else or cannot be written, is left where it is.
"""

from __future__ import annotations

import json
import os
import time
import uuid
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ser_tui import places
from ser_tui.encoders import weights
from ser_tui.study.regular import refuse_irregular
from ser_tui.training import cache

SHARD_BYTES = 64 * 1024 * 1024
SHARD_SECONDS = 0.5
"""How long a tensor waits for its shard to be written, and for how long what others wrote is not looked for, while there are few shards.
"""
MANY_SHARDS = 25
"""With so many, twice as long, and so on: the longer something takes to be made, the fewer shards an hour of it becomes."""
MEMORY_BYTES = 1024 * 1024 * 1024
"""What is kept in memory where it cannot be written."""


class Shards:
    """The tensors of `kind`, a name that says everything their values depend on besides the key."""

    def __init__(self, kind: str) -> None:
        self._folder = cache.folder() / kind
        self._checked: dict[str, Tensor] = {}
        self._where: dict[str, Path] = {}
        self._sums: dict[Path, Mapping[str, int]] = {}
        self._pending: dict[str, Tensor] = {}
        self._pending_bytes = 0
        self._kept_bytes = 0
        self._writable = cache.limit() > 0
        self._waiting_since = 0.0
        self._room = 0
        self._look()

    def _look(self) -> None:
        """Find what other processes have written since the last look."""
        with suppress(OSError):  # another user's cache: what it holds is computed again
            for path in sorted(set(self._folder.glob(f"*{cache.SUFFIX}")) - self._sums.keys()):
                self._index(path)
        self._looked = time.monotonic()

    @property
    def _patience(self) -> float:
        return SHARD_SECONDS * (1 + len(self._sums) / MANY_SHARDS)

    @property
    def writable(self) -> bool:
        """Whether what is put here is on the disk, or will be: False once there was no room for it."""
        return self._writable

    def __contains__(self, key: str) -> bool:
        """Whether `key` is there, by what others have written up to a moment ago too."""
        if not self._knows(key) and time.monotonic() - self._looked >= self._patience:
            self._look()
        return self._knows(key)

    def _knows(self, key: str) -> bool:
        return key in self._checked or key in self._pending or key in self._where

    def get(self, key: str) -> Tensor | None:
        """The tensor under `key`, mapped from its file, or None when it must be made (again)."""
        found = self._checked.get(key)
        if found is None:
            found = self._pending.get(key)
        if found is None and key in self._where:
            self._open(self._where[key])
            found = self._checked.get(key)
        return found

    def put(self, key: str, tensor: Tensor) -> None:
        """Keep `tensor`; it is written with the shard it falls into (see `flush`)."""
        if not self._pending:
            self._waiting_since = time.monotonic()
        self._pending[key] = tensor.contiguous()
        self._pending_bytes += tensor.nbytes
        if self._pending_bytes >= SHARD_BYTES or time.monotonic() - self._waiting_since >= self._patience:
            self.flush()

    def flush(self) -> None:
        """Write what is pending. Without room or right to write, a bounded part of it is kept in memory instead."""
        pending, size = self._pending, self._pending_bytes
        self._pending, self._pending_bytes = {}, 0
        if not pending:
            return
        path = self._folder / f"{uuid.uuid4().hex}{cache.SUFFIX}"
        try:
            self._writable = self._writable and self._has_room(size)
            if self._writable:
                self._write(pending, path)
        except OSError:
            self._writable = False
        if self._writable:
            self._index(path)
        elif self._kept_bytes + size <= MEMORY_BYTES:
            self._kept_bytes += size
            self._checked.update(pending)

    def _has_room(self, size: int) -> bool:
        """Whether `size` bytes fit into the cache, of which others may be removed for them. To find out takes a look at every shard that
        there is, slow on a shared disk: so room for several is asked for at once."""
        if size > self._room:
            ahead = max(size, min(SHARD_BYTES, cache.limit() // 20))
            self._room = next((asked for asked in (ahead, size) if cache.make_room(asked)), 0)
        if size > self._room:
            return False
        self._room -= size
        return True

    def _write(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        places.folder_within(path.parent)
        sums = {key: _checksum(tensor) for key, tensor in tensors.items()}
        weights.save(tensors, path, {"crc": json.dumps(sums)}, durable=False)

    def _index(self, path: Path) -> None:
        try:
            refuse_irregular(path)
            with safe_open(path, framework="pt") as file:
                sums = json.loads((file.metadata() or {})["crc"])
                keys = set(file.keys())
        except OSError:
            return
        except (SafetensorError, KeyError, ValueError):
            cache.remove(path)
            return
        if not isinstance(sums, dict) or sums.keys() != keys:
            cache.remove(path)
            return
        self._sums[path] = sums
        for key in keys:
            self._where.setdefault(key, path)

    def _open(self, path: Path) -> None:
        """Map all tensors of the shard, and check them."""
        keys = [key for key in self._sums[path] if self._where.get(key) == path]
        tensors: dict[str, Tensor] = {}
        read = True
        try:
            refuse_irregular(path)
            with safe_open(path, framework="pt") as file:
                for key in keys:
                    tensors[key] = file.get_tensor(key)
            sound = all(_checksum(tensor) == self._sums[path][key] for key, tensor in tensors.items())
        except OSError:
            read = sound = False
        except SafetensorError:
            sound = False
        if sound:
            with suppress(OSError):
                os.utime(path)
            self._checked.update(tensors)
            return
        if read:
            cache.remove(path)
        for key in keys:
            del self._where[key]


def _checksum(tensor: Tensor) -> int:
    return zlib.crc32(tensor.numpy().reshape(-1).view("u1").data)
