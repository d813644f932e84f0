"""A limit on a process's memory, so that a trial that does not fit fails as such instead of being killed with the run."""

from __future__ import annotations

import resource
from pathlib import Path

import psutil

from ser_tui.training.memory import status_bytes
from ser_tui.training.threads import CGROUPS, MEMBERSHIP, groups

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


def free_bytes(root: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """Memory that can still be had: the machine's, or what this process's control groups leave, a job's or a container's."""
    left = [found for folder in groups("memory", root, membership) if (found := _left(folder)) is not None]
    return min([int(psutil.virtual_memory().available), *left])


_FILES = (
    ("memory.max", "memory.current", ("active_file", "inactive_file")),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_active_file", "total_inactive_file")),
)
"""Of the two versions of control groups: the limit, what is used, and how much of that is copies of files, which the kernel drops when
somebody wants the memory. A group that has read a large corpus has hardly anything else."""


def _left(group: Path) -> int | None:
    """What the limit of a control group leaves; None where it has none."""
    for limit, used, copies in _FILES:
        try:
            most, taken = int((group / limit).read_text()), int((group / used).read_text())
        except (OSError, ValueError):  # no such group, of the other version, or "max"
            continue
        return max(0, most - max(0, taken - _told(group / "memory.stat", copies)))
    return None


def _told(statistics: Path, names: tuple[str, ...]) -> int:
    try:
        pairs = (line.split() for line in statistics.read_text().splitlines())
        return sum(int(value) for name, value in pairs if name in names)
    except (OSError, ValueError):
        return 0


def data_bytes(pid: int | None = None) -> int | None:
    """VmData of a process (this one by default) in bytes; None where the kernel does not tell it."""
    return status_bytes("VmData", pid)
