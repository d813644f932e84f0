"""A limit on a process's memory, so that a trial that does not fit fails as such instead of being killed with the run."""

from __future__ import annotations

import resource
from pathlib import Path

import psutil

SHARE = 0.9
"""Of the memory that is free now: the rest is for the app, the shell and the page cache."""


def limit_memory(most: int | None = None) -> int | None:
    """Let this process take `SHARE` of the memory that is free now, and no more; the limit in bytes, None where there is none.

    `most`: no more than so many bytes in all, the share of one of several processes. RLIMIT_DATA counts what is written to (heap,
    private mappings), not the gigabytes of libraries that torch maps; over it, an allocation fails as a MemoryError or torch's
    RuntimeError. Called before every trial: what is free changes.
    """
    used = data_bytes()
    if used is None:
        return None
    limit = used + int(free_bytes() * SHARE)
    if most is not None:
        limit = min(limit, most)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    return limit


def lift_limit() -> None:
    """Take back what `limit_memory` has set, which a process's next image would inherit."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def free_bytes() -> int:
    """Memory that can still be had: the machine's, or what this process's control group leaves."""
    free = int(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            free = min(free, max(0, int(limit) - int((group / "memory.current").read_text())))
    except (OSError, ValueError):
        pass  # no control group, or an older kind: the machine's own figure stands
    return free


def data_bytes(pid: int | None = None) -> int | None:
    """VmData of a process (this one by default) in bytes; None where the kernel does not tell it."""
    try:
        for line in Path(f"/proc/{pid or 'self'}/status").read_text().splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None
