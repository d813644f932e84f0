"""Small copies of the field's tables, of the tests' own making: tones instead of speech, the same headers, words and folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile


def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache, a configuration and a home folder that nobody has used."""
    for name in ("cache", "config", "home"):
        (tmp_path / name).mkdir(exist_ok=True)
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SER_TUI_DATA", raising=False)


def field_and_own(case: str, made: Callable[[Path], Path]) -> Any:
    """A fixture: the folder of the field's `case`, where it is there, and then one that `made` fills, on a machine that nobody has used."""

    @pytest.fixture(params=["field", "own"])
    def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        own_places(tmp_path, monkeypatch)
        if request.param == "own":
            return made(tmp_path / "own")
        field_case: Callable[[str], Path] = request.getfixturevalue("field_case")
        return field_case(case)

    return place


def tones(folder: Path, names: Iterable[str], seconds: float = 0.1) -> None:
    """A short tone in each file, no two alike."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(int(seconds * 16_000)) / 16_000
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * (150 + number) * time), 16_000)


def table(path: Path, header: str, rows: Iterable[Iterable[str]], separator: str = ",", encoding: str = "utf-8") -> Path:
    """A table of that header, one line a row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [header, *(separator.join(row) for row in rows)]
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path
