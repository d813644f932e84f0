"""Changed copies of the training part's utterances (`training.augment`): voices and rooms that the corpus has not.

speed: two copies, played at 0.9 and at 1.1 of the speed, which moves pitch and formants with it (Ko et al. 2015).
noise: one copy with pink noise 10 to 30 dB below the speech.
The same utterance always gets the same copies, so that what an encoder makes of them can be cached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
import torchaudio.functional
from torch import Tensor

from ser_tui.training.audio import level

VERSION = 1
"""Changes when `changed` would answer otherwise, so that what was cached before is not used."""
_COPIES: Mapping[str, tuple[str, ...]] = {"speed": ("slower", "faster"), "noise": ("noise",)}
_RATES: Mapping[str, tuple[int, int]] = {"slower": (9, 10), "faster": (11, 10)}
_FASTEST = 1.1
_RATIO = (10.0, 30.0)
"""Least and largest signal-to-noise ratio in dB."""
_LOWEST = 20
"""Bin of the spectrum below which the noise's power does not rise any more."""


def copies(names: Iterable[str]) -> tuple[str, ...]:
    """What is made of every training utterance under `names`: "", the utterance itself, then its copies."""
    return ("", *(copy for name in _COPIES if name in set(names) for copy in _COPIES[name]))


def samples(count: int, copy: str) -> int:
    """Samples that `copy` has of an utterance of `count` samples."""
    old, new = _RATES.get(copy, (1, 1))
    return -(-count * new // old)


def needed(seconds: float, copy: str) -> float:
    """Seconds of an utterance that `seconds` of its `copy` are made of."""
    return seconds * _FASTEST if copy else seconds


def changed(waveform: Tensor, copy: str, seed: int) -> Tensor:
    """The `copy` of `waveform` [samples] at 16 kHz; `seed` draws its noise."""
    if copy in _RATES:
        played: Tensor = torchaudio.functional.resample(waveform, *_RATES[copy])
        return played
    return _with_noise(waveform, np.random.default_rng(seed)) if copy == "noise" else waveform


def _with_noise(waveform: Tensor, random: np.random.Generator) -> Tensor:
    spectrum = np.fft.rfft(random.standard_normal(len(waveform)))
    # Power falls with frequency as that of rooms and of speech does.
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), _LOWEST))
    noise = np.fft.irfft(spectrum, len(waveform))
    scale = level(waveform) * 10 ** (-random.uniform(*_RATIO) / 20) / max(float(noise.std()), 1e-12)
    return waveform + torch.from_numpy((noise * scale).astype(np.float32))
