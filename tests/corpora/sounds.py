"""Short tones as audio files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile


class Sounds:
    """Writes short tones, each with content of its own."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, path: Path, *, seconds: float = 0.1, rate: int = 16_000, channels: int = 1, **how: str) -> Path:
        self._count += 1
        path.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(int(seconds * rate)) / rate
        tone = 0.3 * np.sin(2 * np.pi * (150 + self._count) * time)
        soundfile.write(path, np.repeat(tone[:, None], channels, axis=1), rate, **how)
        return path
