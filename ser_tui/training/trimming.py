"""Where an utterance begins and ends: the silence before and after it can be left out (`training.trim_silence`)."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ser_tui.training.audio import SAMPLE_RATE

VERSION = 1
"""Changes when `bounds` would answer otherwise, so that what was cached before is not used."""
_WINDOW, _HOP = 400, 160
_QUIETEST = 1e-4
"""Share of the loudest power that still counts: 40 dB below it."""
_MARGIN = round(0.05 * SAMPLE_RATE)


def bounds(waveform: Tensor) -> tuple[int, int]:
    """First sample to keep of `waveform` [samples] at 16 kHz, and the one after the last.

    They lie 50 ms outside of the first and the last 25 ms within 40 dB of the loudest. Of digital silence all is kept.
    """
    # In float64: the squares of float32 values can be infinite in float32.
    samples = waveform.numpy().astype(np.float64)
    count = max(1, 1 + (len(samples) - _WINDOW) // _HOP)
    power = np.array([np.mean(samples[i * _HOP : i * _HOP + _WINDOW] ** 2) for i in range(count)])
    # Over three windows, so that a click alone is not speech. "valid" on padded values: "same" makes three of one window.
    smooth = np.convolve(np.pad(power, 1), np.ones(3) / 3, "valid")
    loud = np.flatnonzero(smooth >= smooth.max() * _QUIETEST)
    return max(0, int(loud[0]) * _HOP - _MARGIN), min(len(samples), int(loud[-1]) * _HOP + _WINDOW + _MARGIN)
