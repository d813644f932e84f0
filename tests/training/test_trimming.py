"""Where an utterance begins and ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ser_tui.training.trimming import bounds

MARGIN = 800
WINDOW, HOP = 400, 160


def tone(samples: int, level: float = 0.3) -> np.ndarray:
    return (np.sin(np.arange(samples) / 4) * level).astype(np.float32)


def between(before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    return bounds(torch.from_numpy(np.concatenate([before, tone(16_000), after])))


def test_silence_and_noise_40_db_down_are_left_out_but_for_a_margin() -> None:
    random = np.random.default_rng(0)
    for before in (np.zeros(20_000, np.float32), random.normal(0, 0.001, 20_000).astype(np.float32)):
        start, end = between(before, before[:9_000])
        assert 0 <= 20_000 - MARGIN - start <= WINDOW + 2 * HOP
        assert 0 <= end - (36_000 + MARGIN) <= WINDOW + 2 * HOP
    # To the sample: what was cached under one VERSION is not heard otherwise under the same.
    assert between(np.zeros(20_000, np.float32), np.zeros(9_000, np.float32)) == (122 * HOP - MARGIN, 225 * HOP + WINDOW + MARGIN)


def test_soft_speech_and_pauses_inside_are_kept() -> None:
    start, end = between(tone(20_000, 0.03), np.concatenate([np.zeros(30_000, np.float32), tone(4_000)]))
    assert (start, end) == (0, 70_000)


@pytest.mark.parametrize("samples", [1, 100, 399, 400, 401, 560, 719, 720, 721])
def test_what_is_hardly_longer_than_a_window_is_kept(samples: int) -> None:
    assert bounds(torch.from_numpy(tone(samples) + np.float32(0.01))) == (0, samples)


@pytest.mark.parametrize("samples", [100, 400, 16_077])
def test_of_digital_silence_everything_is_kept(samples: int) -> None:
    assert bounds(torch.zeros(samples)) == (0, samples)


@pytest.mark.parametrize("level", [1e-12, 1e-6, 1e30])
def test_the_level_of_the_recording_does_not_matter(level: float) -> None:
    wave = np.concatenate([np.zeros(20_000, np.float32), tone(16_000), np.zeros(9_000, np.float32)])
    assert bounds(torch.from_numpy(wave * np.float32(level))) == bounds(torch.from_numpy(wave))
