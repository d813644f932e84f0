"""What the tests of corpora share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from servers import Server, serving


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own: cache and configuration folders nobody has used, no data folders."""
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("SER_TUI_DATA", raising=False)
    return tmp_path


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


@pytest.fixture
def sound() -> Sounds:
    """`sound(path)` writes a tone there."""
    return Sounds()


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server that misbehaves as it is told."""
    with serving() as one:
        yield one
