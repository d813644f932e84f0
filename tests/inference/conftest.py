"""Small models of random weights, and recordings of tones, that no training has to be waited for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_encoders import CLASSES, MakeModel, save_tiny


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Saves a model of a family in a folder; what is said otherwise changes its recipe, pooling, or whether it is tuned."""
    encoders: dict[str, str] = {}

    def make(
        family: str = "whisper",
        *,
        layers: str = "last",
        kind: str = "mean",
        probe: bool = False,
        by_speaker: bool = False,
        **recipe: object,
    ) -> Path:
        import torch

        from ser_tui.encoders.load import load_encoder
        from ser_tui.training import model, torch_settings
        from ser_tui.training.features import Recipe
        from ser_tui.training.head import Head, pooling

        torch_settings.apply(1)
        if family not in encoders:
            encoders[family] = save_tiny(tmp_path_factory.mktemp(family), family)
        encoder = load_encoder(encoders[family])
        chosen = pooling(layers, kind, encoder, concatenated=probe, by_speaker=by_speaker)
        torch.manual_seed(len(recipe) + 3 * probe)
        head = Head(chosen.width(encoder.dimension), len(CLASSES))
        folder = tmp_path_factory.mktemp("model")
        model.save(
            folder,
            encoder=encoder,
            encoder_name=encoders[family],
            head=head,
            pooling=chosen,
            classes=CLASSES,
            parameters={},
            recipe=replace(Recipe(2.0), **recipe),  # type: ignore[arg-type]
            precision="float32",
            tuned=not probe,
        )
        return folder

    return make


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Six recordings of 0.6 to 3.1 s at several rates, in one and two channels."""
    folder, random = tmp_path_factory.mktemp("recordings"), np.random.default_rng(4)
    paths = []
    for number, (rate, channels) in enumerate(((16_000, 1), (44_100, 2), (8_000, 1), (16_000, 1), (22_050, 1), (48_000, 1))):
        time = np.arange(int(rate * (0.6 + 0.5 * number))) / rate
        wave = 0.3 * np.sin(2 * np.pi * (200 + 150 * number) * time * (1 + 0.1 * time)) + random.normal(0, 0.01, len(time))
        wave[: rate // 10] *= 0.001
        paths.append(folder / f"{number}.wav")
        soundfile.write(paths[-1], np.stack([wave] * channels, 1), rate, subtype="FLOAT")
    return paths
