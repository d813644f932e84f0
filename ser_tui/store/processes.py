"""Facts about processes that survive reused pids, jumping clocks and other hosts."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

_MACHINE_ID = Path("/etc/machine-id")
_OUTERMOST = "pid:[4026531836]"
"""The kernel's own namespace of processes. A container has another one, and often the machine-id of its image, which others have too."""


@dataclass(frozen=True)
class ProcessId:
    """A process, named so that no other one is taken for it: `start` is its start time since the boot `boot`. `machine`, `space`: see
    `machine` and `space`, empty in what earlier versions wrote."""

    pid: int
    start: str
    host: str
    boot: str
    machine: str = ""
    space: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @staticmethod
    def from_json(data: Any) -> ProcessId | None:
        """The process that `data` names, or None where that is not readable."""
        try:
            names = str(data["start"]), str(data["host"]), str(data["boot"])
            later = (own if isinstance(own := data.get(name), str) else "" for name in ("machine", "space"))
            return ProcessId(int(data["pid"]), *names, *later)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            return None


def this_host() -> str:
    """This machine's name, which may be another one tomorrow: a laptop has the one that the network gives it."""
    return socket.gethostname()


@cache
def machine() -> str:
    """What stays of this machine when its name changes; empty in a container, and where the system has no such thing.

    Derived from /etc/machine-id, which itself should not leave the machine (machine-id(5)): a run's folder may be given away.
    """
    import hashlib  # neither is needed for a list of runs of this host
    import hmac

    try:
        found = _MACHINE_ID.read_text().strip()
        outermost = os.readlink("/proc/self/ns/pid") == _OUTERMOST
    except (OSError, UnicodeDecodeError):
        return ""
    return hmac.new(found.encode(), b"ser_tui", hashlib.sha256).hexdigest()[:32] if outermost and len(found) == 32 else ""


def space() -> str:
    """The namespace of processes that this one is in, which every container has its own of; empty where the system has no such thing."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def is_here(process: ProcessId) -> bool:
    """Whether `process` is, or was, one of this machine, whatever its name was then. Of machines that were made from one image, and so
    have one machine-id, see `ser_tui.store.runs.liveness`."""
    return process.host == this_host() or (bool(process.machine) and process.machine == machine())


def is_of_this_kernel(process: ProcessId) -> bool:
    """Whether `process` is, or was, one of the kernel that runs now, in whatever container: what locks it holds is then seen from here,
    also where it is not."""
    return bool(process.boot) and process.boot == boot()


def would_be_seen(process: ProcessId) -> bool:
    """Whether `process` is seen from here for as long as it lives: it is of this kernel, and of no other container. Where none was
    written, as by earlier versions, the machine's names tell."""
    if not is_of_this_kernel(process):
        return False
    return process.space == space() if process.space else process.host == this_host() and process.machine in ("", machine())


def boot() -> str:
    """What distinguishes this boot of this machine from others; empty where the system has no such thing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def identify(pid: int) -> ProcessId | None:
    """The process that has `pid` now, or None."""
    start = _start(pid)
    return None if start is None else ProcessId(pid, start, this_host(), boot(), machine(), space())


def alive(process: ProcessId) -> bool | None:
    """Whether `process` runs; None where that cannot be known because it belongs to another machine."""
    if not is_here(process):
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
