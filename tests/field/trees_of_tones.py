"""Small trees of tones that say what the field's trees say, and the recordings that the field's own trees only name."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import soundfile


def tones(root: Path, *paths: str) -> Path:
    """Write a tone of its own at each path."""
    for number, path in enumerate(paths):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, 0.3 * np.sin(2 * np.pi * (200 + 7 * number) * np.arange(1600) / 16_000), 16_000)
    return root


def filled(root: Path, data: Path) -> Path:
    """The files of `root` that hold nothing but the path of a recording in the shared data, replaced by that recording."""
    for file in sorted(root.rglob("*.flac")):
        named = file.read_bytes()
        if named.startswith(b"/"):
            file.chmod(0o644)
            file.parent.chmod(0o755)
            shutil.copyfile(data / named.decode().partition("/data/")[2], file)
    return root
