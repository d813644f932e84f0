"""Any sample rate to 16 kHz, in time and memory proportional to the samples.

torchaudio's kernel holds one filter for every output sample of a period: 8,000 of 12,300 taps for 24,414 Hz. Where that is small,
as for every usual rate, torchaudio does it, so that what was cached and scored with it stays exactly what it was. Other rates go
through `scipy.signal.resample_poly` with the same filter (a sinc under a Hann window, 6 zero crossings wide on each side, that
ends at 0.99 of the lower Nyquist frequency), so that the two differ by rounding only.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
import torchaudio.functional
from numpy.typing import NDArray
from torch import Tensor

SAMPLE_RATE = 16_000
VERSION = 1
"""Changes when `resample` would answer otherwise for the rates that `tag` names, so that what was cached before is not used."""
_LARGEST_KERNEL = 300_000
"""Of torchaudio, in taps over all filters: 441 x 640 for 11,025 Hz is the largest of the usual rates."""
_CROSSINGS, _ROLLOFF = 6, 0.99


def samples(frames: int, rate: int) -> int:
    """How many samples at 16 kHz `frames` at `rate` become."""
    return math.ceil(frames * SAMPLE_RATE / rate)


def tag(rate: int) -> str:
    """What tells apart, in a cache's key, what is made of audio at `rate`; empty for the rates that torchaudio resamples."""
    return "" if _is_usual(rate) else f"poly{VERSION}"


def resample(waveform: Tensor, rate: int) -> Tensor:
    """`waveform` [frames] at `rate` as [samples] at 16 kHz, float32."""
    if rate == SAMPLE_RATE:
        return waveform
    if _is_usual(rate):
        made: Tensor = torchaudio.functional.resample(waveform, rate, SAMPLE_RATE)
        return made
    from scipy.signal import resample_poly

    up, down = _ratio(rate)
    played = resample_poly(waveform.numpy().astype(np.float64), up, down, window=_filter(up, down))
    return torch.from_numpy(np.ascontiguousarray(played, dtype=np.float32))


def _is_usual(rate: int) -> bool:
    return math.prod(_ratio(rate)) <= _LARGEST_KERNEL


def _ratio(rate: int) -> tuple[int, int]:
    divisor = math.gcd(rate, SAMPLE_RATE)
    return SAMPLE_RATE // divisor, rate // divisor


@functools.lru_cache(maxsize=2)
def _filter(up: int, down: int) -> NDArray[np.float64]:
    """The taps at `up` times the old rate; `resample_poly` multiplies them by `up`."""
    step = _ROLLOFF * min(up, down) / (up * down)
    half = math.ceil(_CROSSINGS / step)
    crossings = np.arange(-half, half + 1) * step
    window = np.where(np.abs(crossings) < _CROSSINGS, np.cos(crossings * (np.pi / 2 / _CROSSINGS)) ** 2, 0.0)
    taps: NDArray[np.float64] = np.sinc(crossings) * window * step
    return taps
