"""A tiny random encoder of each kind and a corpus of tones, so that a trial takes a fraction of a second."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_encoders import save_tiny

from ser_tui import places
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.training.trial import Part

CLASSES = ("low", "high", "noise")


@pytest.fixture(scope="session")
def _precision(_own_places: None) -> Path:
    """What this machine gains by bfloat16, measured once."""
    from ser_tui.training.precision import measured

    measured()
    return places.cache_folder() / "precision.json"


@pytest.fixture(autouse=True)
def cache_folder(_precision: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a cache of its own, in which the best precision is known, so that no test measures."""
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    shutil.copy(_precision, places.private_folder(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Tiny models gain nothing from a second thread."""
    from ser_tui.training import torch_settings

    torch_settings.apply(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Family -> folder of a random model of 3 layers and 32 dimensions."""
    made: dict[str, str] = {}

    def make(family: str) -> str:
        if family not in made:
            made[family] = save_tiny(tmp_path_factory.mktemp(family), family)
        return made[family]

    return make


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> tuple[Part, Part]:
    """24 utterances to train on and 12 to validate on: low tones, high tones and noise of 0.5 to 1.5 s."""
    folder = tmp_path_factory.mktemp("tones")
    random = np.random.default_rng(2)
    paths, labels = [], []
    for index in range(36):
        label = index % 3
        time = np.arange(int(16_000 * random.uniform(0.5, 1.5))) / 16_000
        pitch = random.uniform(150, 250) if label == 0 else random.uniform(1500, 2500)
        wave = 0.3 * np.sin(2 * np.pi * pitch * time) if label < 2 else random.normal(0, 0.1, len(time))
        path = folder / f"{index:02d}-{CLASSES[label]}.wav"
        soundfile.write(path, wave + random.normal(0, 0.003, len(time)), 16_000)
        paths.append(path)
        labels.append(label)
    parts = [
        Part(
            tuple(Clip(paths[i]) for i in range(*span)), tuple(labels[i] for i in range(*span)), tuple(paths[i].name for i in range(*span))
        )
        for span in ((0, 24), (24, 36))
    ]
    return parts[0], parts[1]
