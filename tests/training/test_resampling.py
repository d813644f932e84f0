"""Any sample rate becomes 16 kHz, with the numbers of a reference, in memory of the order of the samples."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
import torchaudio.functional
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_tui.training import resampling


def exact(samples: np.ndarray, rate: int, places: np.ndarray) -> np.ndarray:
    """Band-limited interpolation by its formula, without any table: a Hann-windowed sinc over 6 crossings each way, rolled off at
    0.99 of the lower Nyquist frequency (Smith, Digital Audio Resampling), at these samples of the 16 kHz signal."""
    base = 0.99 * min(rate, 16_000)
    crossings = base * (places[:, None] / 16_000 - np.arange(len(samples))[None] / rate)
    window = np.where(np.abs(crossings) < 6, np.cos(crossings * np.pi / 12) ** 2, 0)
    return np.asarray((np.sinc(crossings) * window * base / rate) @ samples)


@pytest.mark.parametrize("rate", [4_001, 11_127, 15_999, 22_254, 24_414, 44_056, 97_657, 383_999])
def test_odd_rates_are_resampled_as_the_formula_says(rate: int) -> None:
    samples = np.random.default_rng(rate).normal(0, 0.2, round(0.05 * rate)).astype(np.float32)
    made = resampling.resample(torch.from_numpy(samples), rate)
    assert made.dtype == torch.float32 and len(made) == resampling.samples(len(samples), rate)
    assert resampling.tag(rate)
    places = np.unique(np.linspace(0, len(made) - 1, 60).astype(int))
    np.testing.assert_allclose(made.numpy()[places], exact(samples.astype(np.float64), rate, places), atol=2e-6)


@pytest.mark.parametrize("rate", [8_000, 11_025, 12_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000, 384_000])
def test_usual_rates_keep_the_numbers_that_runs_and_caches_were_made_with(rate: int) -> None:
    samples = torch.from_numpy(np.random.default_rng(rate).normal(0, 0.2, rate // 20).astype(np.float32))
    made = resampling.resample(samples, rate)
    assert torch.equal(made, torchaudio.functional.resample(samples, rate, 16_000))
    assert resampling.tag(rate) == "" and len(made) == resampling.samples(len(samples), rate)
    places = np.unique(np.linspace(0, len(made) - 1, 60).astype(int))
    # torchaudio computes its filter's times in float32.
    np.testing.assert_allclose(made.numpy()[places], exact(samples.double().numpy(), rate, places), atol=2e-4)


@settings(max_examples=25)
@given(rate=st.integers(4_000, 384_000), frames=st.integers(1, 3_000))
def test_every_rate_gives_the_length_that_was_announced(rate: int, frames: int) -> None:
    made = resampling.resample(torch.ones(frames), rate)
    assert len(made) == resampling.samples(frames, rate) and bool(torch.isfinite(made).all())


def test_a_tone_stays_what_it_is() -> None:
    rate = 24_414
    made = resampling.resample(torch.sin(2 * torch.pi * 440 * torch.arange(rate).double() / rate).float(), rate)
    expected = torch.sin(2 * torch.pi * 440 * torch.arange(16_000).double() / 16_000).float()
    assert float((made - expected)[100:-100].abs().max()) < 2e-3


@pytest.mark.slow
def test_an_odd_rate_takes_memory_of_the_order_of_its_samples() -> None:
    code = (
        "import resource, torch, scipy.signal\n"
        "from ser_tui.training import resampling\n"
        "resampling.resample(torch.ones(2000), 24_000)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "resampling.resample(torch.ones(24_414 * 10), 24_414)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(found.stdout) < 100 * 1024  # kB; torchaudio's kernel alone takes twenty times as much
