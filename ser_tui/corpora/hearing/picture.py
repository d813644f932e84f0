"""An utterance as a person sees it: its samples, and its log-mel spectrogram. Numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from ser_tui.corpora.hearing import segments
from ser_tui.corpora.hearing.containers import opened
from ser_tui.corpora.hearing.segments import LONGEST_SECONDS, Clip
from ser_tui.store.files import digest_of
from ser_tui.study.errors import UserError

TOP_HERTZ = 8000.0
"""Of a spectrogram: all that encoders hear at 16 kHz."""
_WINDOW_SECONDS = 0.025
_FLOOR_DECIBELS = 80.0


@dataclass(frozen=True)
class Sound:
    """Samples [n], the mean of all channels, within -1 and 1, at `rate` a second."""

    samples: NDArray[np.float32]
    rate: int


def heard(clip: Clip, digest: str = "") -> Sound:
    """What is heard of `clip`. `digest`: of its content when it was scored; nothing else is shown for it.

    Raises UserError where it is not there, not readable, or another recording now.
    """
    try:
        if digest and segments.digest(digest_of(clip.path), clip.start, clip.end) != digest:
            raise UserError(f"{clip.path} is not the recording that was scored: it was changed since")
        with opened(clip.path) as sound:
            first, last = segments.span(clip.start, clip.end, sound.samplerate, sound.frames)
            last = min(last, first + int(LONGEST_SECONDS * sound.samplerate))
            sound.seek(first)
            samples = sound.read(last - first, dtype="float32", always_2d=True).mean(axis=1)
            return Sound(np.nan_to_num(samples.astype(np.float32)), int(sound.samplerate))
    except OSError as error:
        raise UserError(f"{clip.path} cannot be heard: {error.strerror or error}") from None
    except (soundfile.SoundFileError, ValueError) as error:
        raise UserError(f"{clip.path} cannot be heard: {error}") from None


def waveform(sound: Sound, width: int) -> NDArray[np.float64]:
    """The lowest and the highest sample [2, width] of each of `width` equal stretches, by the loudest sample of all, -1 to 1."""
    samples = sound.samples if len(sound.samples) else np.zeros(1, dtype=np.float32)
    edges = np.linspace(0, len(samples), width + 1).astype(int)
    parts = [samples[low : max(high, low + 1)] for low, high in zip(np.minimum(edges[:-1], len(samples) - 1), edges[1:], strict=True)]
    found = np.array([[part.min() for part in parts], [part.max() for part in parts]], dtype=np.float64)
    top = np.abs(found).max()
    return found / top if top > 0 else found


def log_mel(sound: Sound, width: int, bands: int) -> NDArray[np.float64]:
    """A spectrogram [bands, width] from 0 (quiet) to 1, low frequencies first, up to TOP_HERTZ or half the rate.

    Power of Hann windows of 25 ms in triangular bands equally wide in mel (O'Shaughnessy 1987: 2595 log10(1 + f / 700)), in
    decibels below the loudest band, down to 80.
    """
    size = max(64, int(_WINDOW_SECONDS * sound.rate))
    points = 1 << (2 * size - 1).bit_length()  # narrow low bands hold a few points each
    samples = np.pad(sound.samples, (size // 2, size // 2))
    starts = np.linspace(0, max(0, len(samples) - size), width).astype(int)
    frames = np.stack([np.pad(samples[at : at + size], (0, max(0, size - len(samples[at : at + size])))) for at in starts])
    power = np.abs(np.fft.rfft(frames * np.hanning(size), points, axis=1)) ** 2
    top = min(TOP_HERTZ, sound.rate / 2)
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + top / 700), bands + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(points, 1 / sound.rate)
    rising = (hertz[None, :] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz[None, :]) / (edges[2:] - edges[1:-1])[:, None]
    energy = np.maximum(0, np.minimum(rising, falling)) @ power.T
    loudest = energy.max()
    if loudest <= 0:
        return np.zeros((bands, width))
    decibels = 10 * np.log10(np.maximum(energy / loudest, 1e-12))
    found: NDArray[np.float64] = np.clip(1 + decibels / _FLOOR_DECIBELS, 0, 1)
    return found
