"""The processor that trains: its name, and what it can do. Imports nothing heavy."""

from __future__ import annotations

import platform
from pathlib import Path

INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")


def processor() -> str:
    """The processor's name as the system tells it."""
    for line in _cpuinfo():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def instruction_sets() -> list[str]:
    """Those instruction sets of this processor that decide how fast training is."""
    for line in _cpuinfo():
        if line.lower().startswith(("flags", "features")):
            present = set(line.partition(":")[2].split())
            return [name for name in INSTRUCTION_SETS if name in present]
    return []


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return []
