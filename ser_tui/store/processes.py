"""Facts about processes that survive reused pids, jumping clocks and other hosts."""

from __future__ import annotations

import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ProcessId:
    """A process, named so that no other one is taken for it: `start` is its start time since the boot `boot`."""

    pid: int
    start: str
    host: str
    boot: str

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @staticmethod
    def from_json(data: Any) -> ProcessId | None:
        """The process that `data` names, or None where that is not readable."""
        try:
            return ProcessId(int(data["pid"]), str(data["start"]), str(data["host"]), str(data["boot"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return None


def this_host() -> str:
    """This machine's name."""
    return socket.gethostname()


def boot() -> str:
    """What distinguishes this boot of this machine from others; empty where the system has no such thing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def identify(pid: int) -> ProcessId | None:
    """The process that has `pid` now, or None."""
    start = _start(pid)
    return None if start is None else ProcessId(pid, start, this_host(), boot())


def alive(process: ProcessId) -> bool | None:
    """Whether `process` runs; None where that cannot be known because it belongs to another host."""
    if process.host != this_host():
        return None
    if process.boot != boot():
        return False
    return _start(process.pid) == process.start


def _start(pid: int) -> str | None:
    """The start time in clock ticks since boot, which no clock change moves; None for a dead process or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
        return _start_elsewhere(pid)
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else fields[19]


def _start_elsewhere(pid: int) -> str | None:
    """The same without /proc (macOS): the creation time in seconds."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return None
