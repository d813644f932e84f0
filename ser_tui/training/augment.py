"""Changed copies of the training part's utterances (`training.augment`): voices and rooms that the corpus has not.

speed: two copies, played at 0.9 and at 1.1 of the speed, which moves pitch and formants with it (Ko et al. 2015).
noise: one copy with pink noise 10 to 30 dB below the speech.
mixed: three copies, each at a speed from 0.82 to 1.18, through a random smooth filter, half of them with reverberation, and with noise.
The same utterance always gets the same copies, so that what an encoder makes of them can be cached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
import torchaudio.functional
from numpy.typing import NDArray
from torch import Tensor

from ser_tui.training.audio import SAMPLE_RATE, level

VERSION = 1
"""Changes when `changed` would answer otherwise, so that what was cached before is not used."""
_MIXED: Mapping[str, int] = {"mixed1": 1, "mixed2": 2, "mixed3": 3}
"""What each of these copies draws its changes by, beside the utterance's seed."""
_COPIES: Mapping[str, tuple[str, ...]] = {"speed": ("slower", "faster"), "noise": ("noise",), "mixed": tuple(_MIXED)}
_RATES: Mapping[str, tuple[int, int]] = {"slower": (9, 10), "faster": (11, 10)}
_MIXED_RATES = (82, 118)
"""Least and largest speed of a mixed copy, in hundredths."""
_FASTEST = 1.1
_RATIO = (10.0, 30.0)
"""Least and largest signal-to-noise ratio in dB."""
_LOWEST = 20
"""Bin of the spectrum below which the noise's power does not rise any more."""
_KNOTS = (60.0, 120.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
"""Hertz at which a filter's gain is drawn; between them it runs straight over the logarithm of the frequency."""
_GAIN = 4.0
"""Standard deviation of a filter's gain, in dB."""
_DECAY = (0.2, 0.6)
"""Least and largest time in seconds in which reverberation falls by 60 dB (RT60)."""
_REVERBERANT = (0.0, 8.0)
"""How many dB the energy of the reverberation lies below that of the direct sound, least and most."""


def copies(names: Iterable[str]) -> tuple[str, ...]:
    """What is made of every training utterance under `names`: "", the utterance itself, then its copies."""
    return ("", *(copy for name in _COPIES if name in set(names) for copy in _COPIES[name]))


def samples(count: int, copy: str, seed: int) -> int:
    """Samples that `copy` has of an utterance of `count` samples, whose changes `seed` draws."""
    old, new = _rate(copy, _random(copy, seed))
    return -(-count * new // old)


def needed(seconds: float, copy: str) -> float:
    """Seconds of an utterance that `seconds` of its `copy` are made of."""
    if not copy:
        return seconds
    return seconds * (_MIXED_RATES[1] / 100 if copy in _MIXED else _FASTEST)


def changed(waveform: Tensor, copy: str, seed: int) -> Tensor:
    """The `copy` of `waveform` [samples] at 16 kHz; `seed` draws its changes."""
    random = _random(copy, seed)
    if copy in _RATES or copy in _MIXED:
        waveform = torchaudio.functional.resample(waveform, *_rate(copy, random))
    if copy in _MIXED:
        waveform = _filtered(waveform, random)
        if random.random() < 0.5:
            waveform = _reverberant(waveform, random)
    return _with_noise(waveform, random) if copy == "noise" or copy in _MIXED else waveform


def _random(copy: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, _MIXED[copy]] if copy in _MIXED else seed)


def _rate(copy: str, random: np.random.Generator) -> tuple[int, int]:
    """What `copy` is resampled from and to."""
    return (int(random.integers(*_MIXED_RATES, endpoint=True)), 100) if copy in _MIXED else _RATES.get(copy, (1, 1))


def _filtered(waveform: Tensor, random: np.random.Generator) -> Tensor:
    """`waveform` as another microphone, or a voice of another colour, might sound."""
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(waveform), 1 / SAMPLE_RATE), _KNOTS[0]))
    gain = np.interp(octaves, np.log2(_KNOTS), random.normal(0, _GAIN, len(_KNOTS)))
    return _tensor(np.fft.irfft(np.fft.rfft(waveform.numpy()) * 10 ** (gain / 20), len(waveform)))


def _reverberant(waveform: Tensor, random: np.random.Generator) -> Tensor:
    """`waveform` in a room: noise that decays exponentially follows the direct sound (Polack 1988)."""
    from scipy.signal import fftconvolve  # fine-tuning does without scipy otherwise

    decay = random.uniform(*_DECAY)
    time = np.arange(1, int(decay * SAMPLE_RATE)) / SAMPLE_RATE
    tail = random.standard_normal(len(time)) * 10 ** (-3 * time / decay)
    tail *= 10 ** (-random.uniform(*_REVERBERANT) / 20) / np.linalg.norm(tail)
    return _tensor(fftconvolve(waveform.numpy(), np.concatenate([[1.0], tail]))[: len(waveform)])


def _with_noise(waveform: Tensor, random: np.random.Generator) -> Tensor:
    spectrum = np.fft.rfft(random.standard_normal(len(waveform)))
    # Power falls with frequency as that of rooms and of speech does.
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), _LOWEST))
    noise = np.fft.irfft(spectrum, len(waveform))
    scale = level(waveform) * 10 ** (-random.uniform(*_RATIO) / 20) / max(float(noise.std()), 1e-12)
    return waveform + _tensor(noise * scale)


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
